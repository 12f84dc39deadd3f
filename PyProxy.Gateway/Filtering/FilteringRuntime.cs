using Microsoft.Extensions.Options;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering;

/// <summary>The section, compiled: built whole from one configuration.</summary>
internal sealed record FilteringSnapshot(
    RuleSet Requests, RuleSet Responses, FilterDefault Default, bool ReportsOnly, IReadOnlyDictionary<string, ExtensionOptions> Filters)
{
    /// <summary>What the default refuses with; <see langword="null"/> where it allows.</summary>
    public ProxyError? DefaultRefusal { get; } = Default == FilterDefault.Allow
        ? null
        : ProxyErrors.NotAllowed("No rule allows this.", FilteringRecorder.DefaultRule, $"{FilteringOptions.SectionPath}:{nameof(FilteringOptions.Default)}");
}

/// <summary>Holds the compiled section and replaces it when the configuration changes, so that an exchange sees one state in each phase.</summary>
internal sealed class FilteringRuntime : IDisposable
{
    private readonly ListRegistry _lists;
    private readonly RuleHits _hits;
    private readonly IDisposable? _subscription;
    private volatile FilteringSnapshot _current;

    public FilteringRuntime(IOptionsMonitor<FilteringOptions> options, ListRegistry lists, RuleHits hits)
    {
        _lists = lists;
        _hits = hits;
        _current = Compile(options.CurrentValue);
        _subscription = options.OnChange(changed => _current = Compile(changed));
    }

    public FilteringSnapshot Current => _current;

    public void Dispose() => _subscription?.Dispose();

    private FilteringSnapshot Compile(FilteringOptions options)
    {
        var errors = new ConfigurationErrors();
        var compiler = new RuleCompiler(errors, _lists, _hits);
        var snapshot = new FilteringSnapshot(
            new RuleSet(compiler.Compile(options.Rules, $"{FilteringOptions.SectionPath}:Rules")),
            new RuleSet(compiler.Compile(options.ResponseRules, $"{FilteringOptions.SectionPath}:ResponseRules")),
            options.Default,
            options.Mode == FilterMode.ReportOnly,
            new Dictionary<string, ExtensionOptions>(options.Filters, StringComparer.OrdinalIgnoreCase));
        if (errors.Any)
        {
            // Leaving such a rule out could open what it was to close.
            throw new InvalidOperationException($"{errors.All[0].Path} {errors.All[0].Message} It was not validated.");
        }

        _hits.Keep(compiler.Names);
        return snapshot;
    }
}
