using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using PyProxy.Gateway.Admin.Api;
using PyProxy.Gateway.Filtering.Lists;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>The lists that rules name: how it stands with each, and asking its source now.</summary>
internal static class ListsResource
{
    public static void Map(IEndpointRouteBuilder api)
    {
        var lists = api.MapGroup("/lists").WithTags("Filtering");
        lists.MapGet("", static ([FromServices] FilterLists lists, [FromServices] TimeProvider time) => lists.All.Select(list => Describe(list.List, list.Options, time)).ToList())
            .WithSummary("Lists with their size and age, what was left out of them, and the error of the last attempt.");
        lists.MapPost("/{name}/refresh", RefreshAsync)
            .WithSummary("Asks the list's source now; 502 where that fails, and what was in force stays.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status502BadGateway);
    }

    private static async Task<Results<Ok<ListRefreshed>, ProblemHttpResult>> RefreshAsync(
        string name, [FromServices] FilterLists lists, [FromServices] TimeProvider time, AuditedChange change, CancellationToken cancellationToken)
    {
        if (Find(lists, name, time) is not { } before)
        {
            return AdminApi.NotFound($"There is no list \"{name}\" in {ListsOptions.SectionPath}.");
        }

        change.Before = Short(before);
        var outcome = await lists.RefreshAsync(name, cancellationToken);
        if (outcome is null || Find(lists, name, time) is not { } after)
        {
            return AdminApi.NotFound($"The list \"{name}\" has just been taken out of {ListsOptions.SectionPath}.");
        }

        change.After = Short(after);
        return outcome == RefreshOutcome.Failed
            ? TypedResults.Problem($"The source could not be used: {after.Error}. What was in force stays.", statusCode: StatusCodes.Status502BadGateway)
            : TypedResults.Ok(new ListRefreshed(outcome.Value, after));

        static object Short(FilterListState state) => new { state.Entries, state.Confirmed, state.Error };
    }

    private static FilterListState? Find(FilterLists lists, string name, TimeProvider time)
        => lists.All.Where(list => list.List.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            .Select(list => Describe(list.List, list.Options, time)).FirstOrDefault();

    private static FilterListState Describe(FilterList list, ListOptions options, TimeProvider time)
    {
        var state = list.State;
        var summary = state.Content?.Summary;
        return new FilterListState(
            list.Name,
            SecretRedaction.Text(options.Source),
            options.Format,
            options.Url is null ? null : options.Refresh,
            summary?.Entries,
            state.Content?.Bytes,
            state.Loaded,
            state.Confirmed,
            state.Confirmed is { } confirmed ? Math.Round((time.GetUtcNow() - confirmed).TotalSeconds, 1) : null,
            state.IsCopy,
            summary?.Unsupported,
            summary?.Invalid,
            [.. (summary?.FirstLeftOut ?? []).Select(static line => line.Number)],
            state.Error is { } error ? SecretRedaction.Text(error) : null,
            state.Failures,
            list.Hits);
    }

    /// <param name="Outcome">Updated, or unchanged.</param>
    /// <param name="List">How it stands with it now.</param>
    internal sealed record ListRefreshed(RefreshOutcome Outcome, FilterListState List);

    /// <param name="Name">As rules call it.</param>
    /// <param name="Source">File or URL, without credentials and query.</param>
    /// <param name="Format">How it is written.</param>
    /// <param name="Refresh">How often its URL is asked.</param>
    /// <param name="Entries">In force; nothing where it has never been loaded.</param>
    /// <param name="Bytes">Of memory.</param>
    /// <param name="Loaded">When what is in force was put in force.</param>
    /// <param name="Confirmed">When the source last said that this is the newest.</param>
    /// <param name="AgeSeconds">Since then.</param>
    /// <param name="IsCopy">Whether it is the copy on disk, and the source has not been reached since the start.</param>
    /// <param name="Unsupported">Lines that the format has and the gateway does not support.</param>
    /// <param name="Invalid">Lines that are no lines of the format.</param>
    /// <param name="FirstLeftOut">Numbers of the first of both.</param>
    /// <param name="Error">Why the last attempt failed.</param>
    /// <param name="Failures">How many attempts in a row have failed.</param>
    /// <param name="Hits">Look-ups that found an entry.</param>
    internal sealed record FilterListState(
        string Name,
        string Source,
        ListFormat? Format,
        TimeSpan? Refresh,
        int? Entries,
        long? Bytes,
        DateTimeOffset? Loaded,
        DateTimeOffset? Confirmed,
        double? AgeSeconds,
        bool IsCopy,
        long? Unsupported,
        long? Invalid,
        IReadOnlyList<long> FirstLeftOut,
        string? Error,
        int Failures,
        long Hits);
}
