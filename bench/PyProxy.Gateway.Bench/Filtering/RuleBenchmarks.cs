using System.Globalization;
using BenchmarkDotNet.Attributes;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Bench.Filtering;

/// <summary>
/// The first match among rules that each name a host and the names below another: what it costs must not grow with their number. Each look-up is for another
/// host, so that the processor's caches do not hold the answers.
/// </summary>
[MemoryDiagnoser]
public class RuleBenchmarks
{
    private const int Asked = 1024;

    private readonly Facts[] _exact = new Facts[Asked];
    private readonly Facts[] _below = new Facts[Asked];
    private readonly Facts[] _none = new Facts[Asked];
    private RuleSet _rules = null!;

    [Params(10, 100, 1_000, 10_000)]
    public int Rules { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var errors = new ConfigurationErrors();
        var rules = Enumerable.Range(0, Rules).Select(static i => new RuleOptions
        {
            Name = Number("rule", i),
            Match = new MatchOptions { Hosts = [Number("host", i) + ".example", "*." + Number("zone", i) + ".example"] },
            Action = FilterAction.Deny,
        });
        _rules = new RuleSet(new RuleCompiler(errors, new ListRegistry(), new RuleHits()).Compile([.. rules], "Rules"));
        for (var i = 0; i < Asked; i++)
        {
            var one = (int)(i * 7_919L % Rules);
            _exact[i] = Question(Number("host", one) + ".example");
            _below[i] = Question("a.b." + Number("zone", one) + ".example");
            _none[i] = Question(Number("www.other", i) + ".example.org");
        }
    }

    [Benchmark(OperationsPerInvoke = Asked)]
    public int HostItself() => Look(_exact);

    [Benchmark(OperationsPerInvoke = Asked)]
    public int HostBelow() => Look(_below);

    [Benchmark(OperationsPerInvoke = Asked)]
    public int NoRule() => Look(_none);

    private static string Number(string name, int i) => string.Create(CultureInfo.InvariantCulture, $"{name}{i}");

    private static Facts Question(string host)
        => new() { WayIn = WayIn.Connect, Method = "CONNECT", Host = host, Port = 443, Now = DateTimeOffset.UnixEpoch };

    private int Look(Facts[] questions)
    {
        var found = 0;
        foreach (ref readonly var question in questions.AsSpan())
        {
            if (_rules.FirstMatch(question, 0, out _) is not null)
            {
                found++;
            }
        }

        return found;
    }
}
