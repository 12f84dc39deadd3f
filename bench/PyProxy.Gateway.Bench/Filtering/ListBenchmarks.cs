using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using PyProxy.Gateway.Filtering.Lists;

namespace PyProxy.Gateway.Bench.Filtering;

/// <summary>
/// A list of a million domains: what a look-up costs, over so many different hosts that the processor's caches do not hold the answers, and what
/// loading costs. Aims: under 150 ns without allocation, under 2 s, under 64 MB.
/// </summary>
[MemoryDiagnoser]
public class ListBenchmarks
{
    private const int Count = 1_000_000;
    private const int Asked = 1 << 16;
    private const int Popular = 1 << 10;

    private static readonly ListOptions Options = new() { Format = ListFormat.Domains };

    private readonly string[] _listed = new string[Asked];
    private readonly string[] _asked = new string[Asked];
    private readonly string[] _below = new string[Asked];
    private readonly string[] _absent = new string[Asked];
    private byte[] _text = [];
    private LoadedList _list = null!;

    [GlobalSetup]
    public async Task SetUp()
    {
        var text = new StringBuilder();
        for (var i = 0; i < Count; i++)
        {
            text.Append(Name(i)).Append('\n');
        }

        _text = Encoding.ASCII.GetBytes(text.ToString());
        _list = await Load();

        // One array after the other, so that hosts lie side by side and are read ahead, as a host that was just parsed is at hand too.
        Fill(_listed, static name => name);
        Fill(_below, static name => "cdn." + name);
        Fill(_absent, static name => string.Concat("www.", name.AsSpan(5, name.IndexOf('.', StringComparison.Ordinal) - 5), "site.", name.AsSpan(name.LastIndexOf('.') + 1)));
        FillAsAsked();
        GC.Collect();

        Console.WriteLine($"// {_text.Length} bytes of text, {_list.Bytes} bytes held");
    }

    [Benchmark(OperationsPerInvoke = Asked)]
    public int Hit() => Look(_listed);

    [Benchmark(OperationsPerInvoke = Asked)]
    public int HitBelow() => Look(_below);

    [Benchmark(OperationsPerInvoke = Asked)]
    public int Miss() => Look(_absent);

    /// <summary>As listed hosts are asked for: a few of the million very often, most of them hardly ever (Zipf's law, as names are in the DNS).</summary>
    [Benchmark(OperationsPerInvoke = Asked)]
    public int HitAsAsked() => Look(_asked);

    /// <summary>For hosts that were asked for a short while ago.</summary>
    [Benchmark(OperationsPerInvoke = Asked)]
    public int HitAgain() => LookAgain(_listed);

    [Benchmark(OperationsPerInvoke = Asked)]
    public int MissAgain() => LookAgain(_absent);

    [Benchmark]
    public async Task<int> LoadAll() => (await Load()).Summary.Entries;

    private static void Fill(string[] hosts, Func<string, string> host)
    {
        for (var i = 0; i < Asked; i++)
        {
            hosts[i] = host(Name((int)(i * 15_485_863L % Count))); // a prime: one after the other, but nowhere near each other
        }
    }

    // The host of rank r is asked for with a share of 1/r: the inverse of the harmonic sum is the exponential.
    private void FillAsAsked()
    {
        var random = new Random(1);
        for (var i = 0; i < Asked; i++)
        {
            var rank = Math.Min(Count - 1, (long)Math.Exp(random.NextDouble() * Math.Log(Count)));
            _asked[i] = Name((int)(rank * 15_485_863L % Count));
        }
    }

    private static string Name(int i)
        => string.Create(CultureInfo.InvariantCulture, $"track{i * 7919L % 10_000_019:x}.ads{i % 977}.{(i % 3) switch { 0 => "com", 1 => "net", _ => "org" }}");

    private int Look(string[] hosts)
    {
        var found = 0;
        foreach (var host in hosts)
        {
            if (_list.ContainsHost(host))
            {
                found++;
            }
        }

        return found;
    }

    private int LookAgain(string[] hosts)
    {
        var found = 0;
        for (var i = 0; i < Asked; i++)
        {
            if (_list.ContainsHost(hosts[i % Popular]))
            {
                found++;
            }
        }

        return found;
    }

    private Task<LoadedList> Load() => ListReader.ReadAsync(new MemoryStream(_text), Options, CancellationToken.None);
}
