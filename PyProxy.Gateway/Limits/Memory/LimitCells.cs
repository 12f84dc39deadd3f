using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Memory;

/// <summary>
/// The arithmetic of rates over cells of numbers; all zero means nothing used. Refilled by elapsed time when asked, so idle counts cost
/// nothing and the clock is <see cref="TimeProvider"/>'s. The framework's own limiters read the system's clock, want a timer and a queue each
/// (about a kilobyte per user and limit), and cannot change their numbers.
/// </summary>
internal static class LimitCells
{
    /// <summary>
    /// Parts of a sliding window. Permits come back by the part, when all of it is older than the window: never more than the amount in any
    /// window, and up to an eighth later than exact bookkeeping would give them back.
    /// </summary>
    private const int Segments = 8;

    // What adding up fractions of permits loses.
    private const double Epsilon = 1e-6;

    public static int SizeOf(Limit limit) => limit.Algorithm switch
    {
        LimitAlgorithm.TokenBucket => 2,         // used, when
        LimitAlgorithm.FixedWindow => 2,         // used, which window
        LimitAlgorithm.SlidingWindow => Segments + 2, // a ring of parts, the one in progress among them; which part that is
        _ => 0,
    };

    /// <summary>Takes permits where there are as many.</summary>
    /// <param name="limit">A rate.</param>
    /// <param name="cells">Its cells.</param>
    /// <param name="now">In ticks of UTC.</param>
    /// <param name="permits">How many.</param>
    public static LimitDecision Take(Limit limit, Span<long> cells, long now, int permits) => limit.Algorithm switch
    {
        LimitAlgorithm.TokenBucket => TakeToken(limit, cells, now, permits),
        LimitAlgorithm.FixedWindow => TakeFixed(limit, cells, now, permits),
        _ => TakeSliding(limit, cells, now, permits),
    };

    /// <summary>Whether nothing is used: forgetting the cells would change no decision.</summary>
    public static bool IsIdle(Limit limit, Span<long> cells, long now)
    {
        switch (limit.Algorithm)
        {
            case LimitAlgorithm.TokenBucket:
                return RefillToken(limit, cells, now) <= Epsilon;
            case LimitAlgorithm.FixedWindow:
                return cells[0] == 0 || now / limit.Window.Ticks != cells[1];
            default:
                Slide(limit, cells, now);
                return Sum(cells) == 0;
        }
    }

    private static LimitDecision TakeToken(Limit limit, Span<long> cells, long now, int permits)
    {
        var used = RefillToken(limit, cells, now);
        if (used + permits <= limit.Burst + Epsilon)
        {
            used += permits;
            cells[0] = BitConverter.DoubleToInt64Bits(used);
            return new LimitDecision(IsAllowed: true, limit, (long)(limit.Burst - used + Epsilon), TimeSpan.FromSeconds(used / limit.PerSecond));
        }

        return new LimitDecision(IsAllowed: false, limit, Left: 0, TimeSpan.FromSeconds((used + permits - limit.Burst) / limit.PerSecond));
    }

    private static double RefillToken(Limit limit, Span<long> cells, long now)
    {
        var used = BitConverter.Int64BitsToDouble(cells[0]);
        if (now > cells[1])
        {
            used = Math.Max(0, used - ((now - cells[1]) * limit.PerSecond / TimeSpan.TicksPerSecond));
            cells[0] = BitConverter.DoubleToInt64Bits(used);
            cells[1] = now;
        }

        return used;
    }

    private static LimitDecision TakeFixed(Limit limit, Span<long> cells, long now, int permits)
    {
        var window = now / limit.Window.Ticks;
        if (window > cells[1])
        {
            cells[0] = 0;
            cells[1] = window;
        }

        var after = TimeSpan.FromTicks(((cells[1] + 1) * limit.Window.Ticks) - now);
        if (cells[0] + permits > limit.Amount)
        {
            return new LimitDecision(IsAllowed: false, limit, Left: 0, after);
        }

        cells[0] += permits;
        return new LimitDecision(IsAllowed: true, limit, limit.Amount - cells[0], after);
    }

    private static LimitDecision TakeSliding(Limit limit, Span<long> cells, long now, int permits)
    {
        Slide(limit, cells, now);
        var used = Sum(cells);
        var current = cells[^1];
        if (used + permits <= limit.Amount)
        {
            cells[RingIndex(current)] += permits;
            return new LimitDecision(IsAllowed: true, limit, limit.Amount - used - permits, StartOf(current + Segments + 1) - TimeSpan.FromTicks(now));
        }

        // Part by part comes back, the oldest first, until there are enough.
        var missing = used + permits - limit.Amount;
        var oldest = current - Segments;
        for (; oldest <= current && missing > 0; oldest++)
        {
            missing -= oldest < 0 ? 0 : cells[RingIndex(oldest)];
        }

        return new LimitDecision(IsAllowed: false, limit, Left: 0, StartOf(oldest + Segments) - TimeSpan.FromTicks(now));

        TimeSpan StartOf(long part) => TimeSpan.FromTicks((long)((Int128)part * limit.Window.Ticks / Segments));
    }

    private static void Slide(Limit limit, Span<long> cells, long now)
    {
        var part = (long)((Int128)now * Segments / limit.Window.Ticks);
        var passed = part - cells[^1];
        if (passed <= 0)
        {
            return;
        }

        if (passed > Segments)
        {
            cells[..^1].Clear();
        }
        else
        {
            for (var next = cells[^1] + 1; next <= part; next++)
            {
                cells[RingIndex(next)] = 0;
            }
        }

        cells[^1] = part;
    }

    private static int RingIndex(long part) => (int)(part % (Segments + 1));

    private static long Sum(ReadOnlySpan<long> cells)
    {
        long sum = 0;
        foreach (var count in cells[..^1])
        {
            sum += count;
        }

        return sum;
    }
}
