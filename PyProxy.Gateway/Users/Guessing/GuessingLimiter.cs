using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Users.Guessing;

/// <summary>What an attempt tries.</summary>
internal enum GuessKind
{
    /// <summary>A name with a password.</summary>
    Password = 0,

    /// <summary>A name with a password that is being looked at already: it tells a guesser nothing new.</summary>
    SamePassword,

    /// <summary>A key, which nobody guesses; its id stands for a name.</summary>
    Key,
}

/// <summary>
/// Puts attempts off whose name or address has been wrong too often, for twice as long each time. An attempt that is put off is refused at once
/// and not looked at: it holds neither thread nor connection, and its answer cannot depend on whether it was right.
/// </summary>
/// <remarks>
/// A name is charged before the attempt is verified and given back when it was right, so that a thousand at once are not a thousand free ones. An
/// address that is in good standing is charged only when it was wrong: behind one may be ten thousand users who all come at once after a restart.
/// Who has been right from an address is judged by the pair of both alone: neither a stranger who guesses at the user's name elsewhere nor a
/// neighbour behind the same address translation locks the user out.
/// </remarks>
internal sealed class GuessingLimiter(IOptionsMonitor<GuessingOptions> options, TimeProvider time)
{
    private readonly RecentTable<Key, Count> _counts = new();

    internal enum Kind
    {
        Name,
        Address,
        Pair,
        KeyPair,
    }

    /// <summary>Whether an attempt is looked at now. If so, say by <see cref="Attempt"/> what came of it.</summary>
    /// <param name="address">Where it comes from.</param>
    /// <param name="name">The user name tried, or the key's id; <see langword="null"/> for what is not even of a key's form.</param>
    /// <param name="kind">What is tried.</param>
    /// <param name="attempt">To be told the outcome.</param>
    /// <param name="retryAfter">When the next attempt will be looked at.</param>
    public bool TryEnter(IPAddress? address, string? name, GuessKind kind, out Attempt attempt, out TimeSpan retryAfter)
    {
        var settings = options.CurrentValue;
        var now = time.GetTimestamp();
        retryAfter = default;
        var network = NetworkOf(address);
        var pairKey = name is null ? default : new Key(kind == GuessKind.Key ? Kind.KeyPair : Kind.Pair, name, network);

        // 1. Who was right from here before.
        if (name is not null && Find(pairKey, now, settings) is { } pair)
        {
            var isCharged = kind == GuessKind.Password;
            attempt = new Attempt(this, kind == GuessKind.SamePassword ? default : new Charge(pair, isCharged), default, pairKey);
            return TryCharge(pair, settings.AttemptsPerName, isCharged, now, settings, ref retryAfter);
        }

        // 2. Everybody else. The address is charged at once only where it has used up what is free.
        var byAddress = GetOrAdd(new Key(Kind.Address, null, network), settings);
        var addressIsCharged = kind != GuessKind.SamePassword && IsUsedUp(byAddress, settings.AttemptsPerAddress, now, settings);
        var byName = kind == GuessKind.Password ? GetOrAdd(new Key(Kind.Name, name, default), settings) : null;
        attempt = new Attempt(
            this, kind == GuessKind.SamePassword ? default : new Charge(byAddress, addressIsCharged), new Charge(byName, IsCharged: true), pairKey);
        if (!TryCharge(byAddress, settings.AttemptsPerAddress, addressIsCharged, now, settings, ref retryAfter))
        {
            return false;
        }

        if (byName is not null && !TryCharge(byName, settings.AttemptsPerName, isCharged: true, now, settings, ref retryAfter))
        {
            attempt.WithdrawFirst();
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

    private bool IsUsedUp(Count count, int free, long now, GuessingOptions settings)
    {
        lock (count)
        {
            return count.Charges >= free && time.GetElapsedTime(count.LastAt, now) < settings.Memory;
        }
    }

    private bool TryCharge(Count count, int free, bool isCharged, long now, GuessingOptions settings, ref TimeSpan retryAfter)
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

            if (isCharged)
            {
                count.Charges++;
                count.LastAt = now;
            }

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

    private void ChargeLate(Count count)
    {
        lock (count)
        {
            count.Charges++;
            count.LastAt = time.GetTimestamp();
        }
    }

    private void RememberPair(in Key pair)
    {
        var count = GetOrAdd(pair, options.CurrentValue);
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

    /// <summary>An attempt that is being looked at. One of its methods says what came of it.</summary>
    internal readonly struct Attempt
    {
        private readonly GuessingLimiter _limiter;
        private readonly Charge _first;
        private readonly Charge _second;
        private readonly Key _pair;

        internal Attempt(GuessingLimiter limiter, in Charge first, in Charge second, in Key pair)
        {
            _limiter = limiter;
            _first = first;
            _second = second;
            _pair = pair;
        }

        /// <summary>The credentials were right.</summary>
        public void Succeeded()
        {
            Withdraw();
            if (_pair.Name is not null)
            {
                _limiter.RememberPair(_pair);
            }
        }

        /// <summary>They were wrong.</summary>
        public void Failed()
        {
            if (_first is { Count: { } late, IsCharged: false })
            {
                _limiter.ChargeLate(late);
            }
        }

        /// <summary>Nobody found out whether they were right.</summary>
        public void Withdraw()
        {
            WithdrawFirst();
            if (_second is { Count: { } count, IsCharged: true })
            {
                GiveBack(count);
            }
        }

        internal void WithdrawFirst()
        {
            if (_first is { Count: { } count, IsCharged: true })
            {
                GiveBack(count);
            }
        }
    }

    internal readonly record struct Key(Kind Kind, string? Name, UInt128 Network);

    /// <summary>A count that an attempt concerns, and whether it has been charged.</summary>
    internal readonly record struct Charge(Count? Count, bool IsCharged);

    internal sealed class Count
    {
        public int Charges { get; set; }

        public long LastAt { get; set; }
    }
}
