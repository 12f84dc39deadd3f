namespace PyProxy.Gateway.Limits.Overload.Machine;

/// <summary>
/// How many requests may be under way while work waits for threads. Found by trying, since nobody knows what one costs: less while work waits too long,
/// more while it does not. It begins at what is under way, so requests that only wait for somebody else take nothing from the others.
/// </summary>
internal sealed class WorkLimit
{
    // What a change does is seen when the requests under way have ended; until then another one would be a guess.
    private const int SamplesBetween = 5;

    private const double LeastShare = 0.5;
    private const double MostShare = 0.9;
    private const double Growth = 1.1;
    private const int GrowthAtLeast = 4;
    private const int RoomToRecover = 2;

    // Where so few make work wait, it is not them, and refusing them helps nobody.
    private const int LeastForEachProcessor = 8;

    /// <summary>So many are always let in.</summary>
    public static readonly int Least = LeastForEachProcessor * Environment.ProcessorCount;

    private volatile int _value = int.MaxValue;
    private int _samples;

    /// <summary>So many; <see cref="int.MaxValue"/> = any number.</summary>
    public int Value => _value;

    public void Lift() => (_value, _samples) = (int.MaxValue, 0);

    /// <summary>Looks at one sample.</summary>
    /// <param name="delay">How long work waits.</param>
    /// <param name="mark">How long it may.</param>
    /// <param name="underWay">Requests under way now.</param>
    /// <returns>False where there is room to spare and the limit is not needed any more.</returns>
    public bool Adjust(TimeSpan delay, TimeSpan mark, int underWay)
    {
        if (_samples++ % SamplesBetween != 0)
        {
            return true;
        }

        var value = _value;
        if (delay > mark)
        {
            _value = Math.Max(Least, (int)(Math.Min(value, underWay) * Math.Clamp(mark / delay, LeastShare, MostShare)));
            return true;
        }

        if (delay > mark / 2)
        {
            return true;
        }

        if (value > (long)RoomToRecover * (underWay + Least))
        {
            Lift();
            return false;
        }

        _value = (int)(value * Growth) + GrowthAtLeast;
        return true;
    }
}
