using PyProxy.Gateway.Limits.Overload.Machine;

namespace PyProxy.Gateway.Tests.Limits.Overload;

public sealed class WorkLimitTests
{
    private const int Enough = 1000;

    private static readonly TimeSpan Mark = TimeSpan.FromMilliseconds(100);

    private readonly WorkLimit _limit = new();

    [Fact]
    public void WorkThatWaitsTooLong_LeavesRoomForLessThanIsUnderWay_TheLessTheLongerItWaits()
    {
        _limit.Adjust(Mark * 1.25, Mark, underWay: 1000);
        var other = new WorkLimit();
        other.Adjust(Mark * 10, Mark, underWay: 1000);

        Assert.Equal((800, 500), (_limit.Value, other.Value));
    }

    [Fact]
    public void Limit_FindsWhatTheMachineCanDo_AndStaysThere()
    {
        // A machine on which 200 requests under way make work wait for as long as it may; there are more than enough that want in.
        const double Sustainable = 200;
        var underWay = 5000;
        var values = new List<int>();
        for (var i = 0; i < Enough; i++)
        {
            Assert.True(_limit.Adjust(Mark * (underWay / Sustainable), Mark, underWay));
            underWay = Math.Min(_limit.Value, 5000);
            values.Add(underWay);
        }

        Assert.All(values[(Enough / 2)..], static value => Assert.InRange(value, 100, 230));
    }

    [Fact]
    public void Limit_IsLifted_WhenThereIsRoomToSpare()
    {
        _limit.Adjust(Mark * 2, Mark, underWay: 1000);

        var samples = 0;
        while (_limit.Adjust(TimeSpan.Zero, Mark, underWay: 100))
        {
            Assert.True(++samples < Enough);
        }

        Assert.Equal(int.MaxValue, _limit.Value);
    }

    [Fact]
    public void FewRequests_AreLetIn_HoweverLongWorkWaits()
    {
        for (var i = 0; i < Enough; i++)
        {
            _limit.Adjust(Mark * 100, Mark, underWay: 0);
        }

        Assert.Equal(WorkLimit.Least, _limit.Value);
    }
}
