using PyProxy.Gateway.Users.Guessing;

namespace PyProxy.Gateway.Tests.Users.Guessing;

public sealed class RecentTableTests
{
    private const int Capacity = 100;

    private readonly RecentTable<int, string> _table = new();

    [Fact]
    public void Entries_AreBounded()
    {
        for (var i = 0; i < 10 * Capacity; i++)
        {
            _table.GetOrAdd(i, "x", Capacity);
        }

        Assert.InRange(Enumerable.Range(0, 10 * Capacity).Count(i => _table.TryGet(i, int.MaxValue, out _)), 1, Capacity + 1);
    }

    [Fact]
    public void WhatIsTouched_Stays()
    {
        _table.GetOrAdd(-1, "kept", Capacity);
        for (var i = 0; i < 10 * Capacity; i++)
        {
            _table.GetOrAdd(i, "x", Capacity);
            Assert.True(_table.TryGet(-1, Capacity, out _));
        }

        Assert.False(_table.TryGet(0, Capacity, out _));
    }

    [Fact]
    public void FirstValue_Wins()
    {
        Assert.Equal("first", _table.GetOrAdd(1, "first", Capacity));
        Assert.Equal("first", _table.GetOrAdd(1, "second", Capacity));
    }
}
