using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Users.Guessing;

/// <summary>
/// Puts attempts off whose name or address has been wrong too often, for twice as long each time. An attempt that is put off is refused at once
/// and not looked at: it holds neither thread nor connection, and its answer cannot depend on whether it was right.
/// </summary>
/// <remarks>
/// An attempt is charged before it is verified and given back when it was right, so that a thousand at once are not a thousand free ones. Who has
/// been right from an address is judged by the pair of both alone: neither a stranger who guesses at the user's name elsewhere nor a neighbour
/// behind the same address translation locks the user out.
/// </remarks>
internal sealed class GuessingLimiter(IOptionsMonitor<GuessingOptions> options, TimeProvider time)
{
    private readonly RecentTable<Key, Count> _counts = new();

    private enum Kind
    {
        Name,
        Address,
        Pair,
    }

    /// <summary>Whether an attempt is looked at now. If so, say by <see cref="Attempt"/> what came of it.</summary>
    /// <param name="address">Where it comes from.</param>
    /// <param name="name">The user name tried; <see langword="null"/> for keys, which have none.</param>
    /// <param name="attempt">To be told the outcome.</param>
    /// <param name="retryAfter">When the next attempt will be looked at.</param>
    public bool TryEnter(IPAddress? address, string? name, out Attempt attempt, out TimeSpan retryAfter)
    {
        var settings = options.CurrentValue;
        var now = time.GetTimestamp();
        retryAfter = default;
        var network = NetworkOf(address);

        // 1. Who was right from here before.
        if (name is not null && Find(new Key(Kind.Pair, name, network), now, settings) is { } pair)
        {
            attempt = new Attempt(this, pair, null, name, network);
            return TryCharge(pair, settings.AttemptsPerName, now, settings, ref retryAfter);
        }

        // 2. Everybody else.
        var byAddress = GetOrAdd(new Key(Kind.Address, null, network), settings);
        var byName = name is null ? null : GetOrAdd(new Key(Kind.Name, name, default), settings);
        attempt = new Attempt(this, byAddress, byName, name, network);
        if (!TryCharge(byAddress, settings.AttemptsPerAddress, now, settings, ref retryAfter))
        {
            return false;
        }

        if (byName is not null && !TryCharge(byName, settings.AttemptsPerName, now, settings, ref retryAfter))
        {
            GiveBack(byAddress);
            return false;
        }

        return true;
    }

    private Count? Find(in Key key, long now, GuessingOptions settings)
    {
        if (!_counts.TryGet(key, settings.Tracked, out var count))
        {
            return null;
        }

        lock (count)
        {
            return time.GetElapsedTime(count.LastAt, now) < settings.Memory ? count : null;
        }
    }

    private Count GetOrAdd(in Key key, GuessingOptions settings)
        => _counts.TryGet(key, settings.Tracked, out var count) ? count : _counts.GetOrAdd(key, new Count { LastAt = time.GetTimestamp() }, settings.Tracked);

    private bool TryCharge(Count count, int free, long now, GuessingOptions settings, ref TimeSpan retryAfter)
    {
        lock (count)
        {
            var quiet = time.GetElapsedTime(count.LastAt, now);
            if (quiet >= settings.Memory)
            {
                count.Charges = 0;
            }

            // Another request may have been charged since this one looked at the clock, so the quiet can be less than none.
            var delay = DelayAfter(count.Charges - free, settings);
            if (delay > TimeSpan.Zero && delay > quiet)
            {
                retryAfter = delay - quiet;
                return false;
            }

            count.Charges++;
            count.LastAt = now;
            return true;
        }
    }

    private static TimeSpan DelayAfter(int excess, GuessingOptions settings)
    {
        const int MaxDoublings = 30; // of a tenth of a second: beyond the longest delay there is
        if (excess < 0)
        {
            return TimeSpan.Zero;
        }

        var delay = settings.FirstDelay * (1L << Math.Min(excess, MaxDoublings));
        return delay < settings.MaxDelay ? delay : settings.MaxDelay;
    }

    private static void GiveBack(Count count)
    {
        lock (count)
        {
            count.Charges = Math.Max(0, count.Charges - 1);
        }
    }

    private void RememberPair(string name, UInt128 network)
    {
        var count = GetOrAdd(new Key(Kind.Pair, name, network), options.CurrentValue);
        lock (count)
        {
            count.Charges = 0;
            count.LastAt = time.GetTimestamp();
        }
    }

    /// <summary>An IPv6 host has every address of its /64.</summary>
    private static UInt128 NetworkOf(IPAddress? address)
    {
        if (address is null)
        {
            return default;
        }

        Span<byte> bytes = stackalloc byte[16];
        if (address.AddressFamily == AddressFamily.InterNetworkV6 && !address.IsIPv4MappedToIPv6)
        {
            address.TryWriteBytes(bytes, out _);
            bytes[8..].Clear();
        }
        else
        {
            address.MapToIPv6().TryWriteBytes(bytes, out _);
        }

        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    /// <summary>An attempt that is being looked at. It counts as wrong until something else is said of it.</summary>
    internal readonly struct Attempt(GuessingLimiter limiter, object first, object? second, string? name, UInt128 network)
    {
        /// <summary>The credentials were right.</summary>
        public void Succeeded()
        {
            Withdraw();
            if (name is not null)
            {
                limiter.RememberPair(name, network);
            }
        }

        /// <summary>Nobody found out whether they were right.</summary>
        public void Withdraw()
        {
            GiveBack((Count)first);
            if (second is not null)
            {
                GiveBack((Count)second);
            }
        }
    }

    private readonly record struct Key(Kind Kind, string? Name, UInt128 Network);

    private sealed class Count
    {
        public int Charges { get; set; }

        public long LastAt { get; set; }
    }
}
