using PyProxy.Gateway.State.Redis;

namespace PyProxy.Gateway.Limits.Redis;

/// <summary>
/// The decisions that Redis makes, each in one step and by its own clock. The arithmetic is that of <see cref="Memory.LimitCells"/>; the contract
/// tests hold the two to each other.
/// </summary>
internal static class SharedLimitScripts
{
    /// <summary>
    /// Decides about all limits of an exchange. KEYS: per group the hash of its rates and the hash of what is held. ARGV: this gateway, the life of
    /// what is held in ms, then per group the number of rates; per rate its algorithm, field, amount, burst, window in µs, permits wanted, permits
    /// wanted in advance, permits owed (negative: given back); then what is to be held ("-", "c" or "t"), and unless "-" its limit and how
    /// many this gateway holds already. Answers per group: per rate permits granted (0: refused), permits left, ms until it is worth another
    /// try or until all are back; then 1 = held, 0 = refused, 2 = not held because another limit refused, -1 = nothing was to be held.
    /// </summary>
    public static readonly RedisScript Decide = new("""
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local instance, life = ARGV[1], tonumber(ARGV[2])
        local next_argument = 2
        local function argument() next_argument = next_argument + 1 return ARGV[next_argument] end
        local function number() return tonumber(argument()) end

        local function numbers(stored)
          local all = {}
          for word in string.gmatch(stored or '', '%S+') do all[#all + 1] = tonumber(word) end
          return all
        end

        local function token_bucket(stored, amount, burst, window, want, ahead, owed)
          local cells = numbers(stored)
          local used, at = cells[1] or 0, cells[2] or now
          local rate = amount / window
          if now > at then used = math.max(0, used - (now - at) * rate) at = now end
          used = math.max(0, used + math.min(owed, burst - used))
          local granted, left, after = 0, 0, (used + want - burst) / rate
          if used + want <= burst + 0.000001 then
            granted = want + math.min(ahead, math.floor(burst - used - want + 0.000001))
            used = used + granted
            left, after = math.floor(burst - used + 0.000001), used / rate
          end
          return string.format('%.6f %.0f', used, at), granted, left, after, used / rate
        end

        local function fixed_window(stored, amount, burst, window, want, ahead, owed)
          local cells = numbers(stored)
          local current = math.floor(now / window)
          local used, at = cells[1] or 0, cells[2] or current
          if current > at then used, at = 0, current end
          used = used + math.max(0, math.min(owed, amount - used))
          local granted, left, after = 0, 0, (at + 1) * window - now
          if used + want <= amount then
            granted = want + math.min(ahead, amount - used - want)
            used = used + granted
            left = amount - used
          end
          return string.format('%.0f %.0f', used, at), granted, left, after, after
        end

        local function sliding_window(stored, amount, burst, window, want, ahead, owed)
          local cells = numbers(stored)
          local part_length = window / 8
          local current = math.floor(now / part_length)
          local at = cells[10] or current
          if current - at > 8 then
            for i = 1, 9 do cells[i] = 0 end
          else
            for part = at + 1, current do cells[part % 9 + 1] = 0 end
          end
          if current > at then at = current end
          local used = 0
          for i = 1, 9 do cells[i] = cells[i] or 0 used = used + cells[i] end
          local slot = at % 9 + 1
          local paid = math.max(0, math.min(owed, amount - used))
          cells[slot] = cells[slot] + paid
          used = used + paid
          local granted, left, after = 0, 0, 0
          if used + want <= amount then
            granted = want + math.min(ahead, amount - used - want)
            cells[slot] = cells[slot] + granted
            left, after = amount - used - granted, (at + 9) * part_length - now
          else
            local missing, oldest = used + want - amount, at - 8
            while oldest <= at and missing > 0 do
              missing = missing - cells[oldest % 9 + 1]
              oldest = oldest + 1
            end
            after = (oldest + 8) * part_length - now
          end
          cells[10] = at
          for i = 1, 10 do cells[i] = string.format('%.0f', cells[i]) end
          return table.concat(cells, ' '), granted, left, after, window + part_length
        end

        local algorithms = { T = token_bucket, F = fixed_window, S = sliding_window }
        local answer, holds, allowed = {}, {}, true
        for group = 1, #KEYS / 2 do
          local key, expiry, fields = KEYS[group * 2 - 1], 0, {}
          for _ = 1, number() do
            local algorithm, field = algorithms[argument()], argument()
            local stored = redis.call('HGET', key, field)
            local cells, granted, left, after, idle = algorithm(stored, number(), number(), number(), number(), number(), number())
            fields[#fields + 1] = field
            fields[#fields + 1] = cells
            if granted == 0 then allowed = false end
            if idle > expiry then expiry = idle end
            answer[#answer + 1] = granted
            answer[#answer + 1] = left
            answer[#answer + 1] = math.ceil(after / 1000)
          end
          if #fields > 0 then
            redis.call('HSET', key, unpack(fields))
            local milliseconds = math.ceil(expiry / 1000) + 1000
            if milliseconds > redis.call('PTTL', key) then redis.call('PEXPIRE', key, milliseconds) end
          end
          answer[#answer + 1] = -1
          local kind = argument()
          if kind ~= '-' then
            holds[#holds + 1] = { key = KEYS[group * 2], kind = kind, limit = number(), mine = number(), place = #answer }
          end
        end

        local milliseconds = math.floor(now / 1000)
        for _, hold in ipairs(holds) do
          local all = redis.call('HGETALL', hold.key)
          local others = 0
          hold.own = hold.kind .. '|' .. instance
          for i = 1, #all, 2 do
            if string.sub(all[i], 1, 2) == hold.kind .. '|' and all[i] ~= hold.own then
              local cells = numbers(all[i + 1])
              if cells[2] > milliseconds then others = others + cells[1] else redis.call('HDEL', hold.key, all[i]) end
            end
          end
          answer[hold.place] = 2
          if others + hold.mine + 1 > hold.limit then
            answer[hold.place] = 0
            allowed = false
          end
        end
        if allowed then
          for _, hold in ipairs(holds) do
            redis.call('HSET', hold.key, hold.own, string.format('%.0f %.0f', hold.mine + 1, milliseconds + life))
            redis.call('PEXPIRE', hold.key, life)
            answer[hold.place] = 1
          end
        end
        return answer
        """);

    /// <summary>
    /// Says what this gateway holds, whatever was said before: given back, or renewed. KEYS: the hash. ARGV: this gateway, life in ms, requests, tunnels.
    /// </summary>
    public static readonly RedisScript Hold = new("""
        local time = redis.call('TIME')
        local expires = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[2])
        for i, kind in ipairs({ 'c|', 't|' }) do
          local field, count = kind .. ARGV[1], tonumber(ARGV[i + 2])
          if count > 0 then
            redis.call('HSET', KEYS[1], field, string.format('%.0f %.0f', count, expires))
          else
            redis.call('HDEL', KEYS[1], field)
          end
        end
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return 1
        """);

    /// <summary>Counts what all gateways hold, without changing anything. KEYS: the hash. Answers requests, tunnels.</summary>
    public static readonly RedisScript Count = new("""
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local all, held = redis.call('HGETALL', KEYS[1]), { ['c|'] = 0, ['t|'] = 0 }
        for i = 1, #all, 2 do
          local count, expires = string.match(all[i + 1], '(%S+) (%S+)')
          local kind = string.sub(all[i], 1, 2)
          if tonumber(expires) > now then held[kind] = held[kind] + tonumber(count) end
        end
        return { held['c|'], held['t|'] }
        """);

    /// <summary>Gives all permits back. KEYS: the hash.</summary>
    public static readonly RedisScript Forget = new("return redis.call('DEL', KEYS[1])");

    /// <summary>Says that this gateway is there; answers how many are. KEYS: the set. ARGV: this gateway, for how many ms that holds.</summary>
    public static readonly RedisScript Register = new("""
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return redis.call('ZCARD', KEYS[1])
        """);
}
