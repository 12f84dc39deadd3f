using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Quotas;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Commands.Users;

/// <summary>
/// What a user has used, and how near its end each limit is. Usage and quotas are read from the ledger; rates and what is held only the running
/// gateway knows, and it is asked.
/// </summary>
internal static class UserUsageReport
{
    /// <returns>What there is to say, and about what.</returns>
    public static async Task<IReadOnlyList<(string What, string Value)>> MakeAsync(
        UserSession session, string name, KnownUser? account, CancellationToken cancellationToken)
    {
        var lines = new List<(string, string)>();
        var watch = session.Services.GetRequiredService<QuotaWatch>();
        var (today, month) = await watch.UsageAsync(name, cancellationToken);
        lines.Add(("today", Describe(today)));
        lines.Add(("month", Describe(month)));
        foreach (var quota in await watch.OfUserAsync(name, PlansOf(session, account), cancellationToken))
        {
            var (used, amount) = quota.Quota.CountsBytes
                ? (Bytes(quota.Used), Bytes(quota.Amount))
                : (Number(quota.Used), Number(quota.Amount));
            var raised = quota.Raised == 0 ? "" : $", raised by {(quota.Quota.CountsBytes ? Bytes(quota.Raised) : Number(quota.Raised))}";
            lines.Add(("quota", string.Create(
                CultureInfo.InvariantCulture, $"{quota.Quota.FullName}: {used} of {amount}{raised}, until {quota.Period.End:u}{Nearness(quota.Share)}")));
        }

        await AddLimitsAsync(lines, session, name, cancellationToken);
        return lines;
    }

    private static List<string> PlansOf(UserSession session, KnownUser? account)
    {
        var groupPlans = session.Services.GetRequiredService<IOptions<LimitsOptions>>().Value.GroupPlans;
        return account is null ? [] : [.. account.Groups.Select(group => groupPlans.GetValueOrDefault(group)).Prepend(account.Plan).OfType<string>()];
    }

    private static async Task AddLimitsAsync(List<(string, string)> lines, UserSession session, string name, CancellationToken cancellationToken)
    {
        if (AdminEndpoint.Address(session.Settings) is not { } address)
        {
            lines.Add(("limits", "only a running gateway knows, and none of its endpoints has the role Admin"));
            return;
        }

        address = new Uri(address, $"/api/v1/limits/users/{Uri.EscapeDataString(name)}");
        try
        {
            var (status, body) = await AdminEndpoint.GetAsync(address, cancellationToken);
            if (status == HttpStatusCode.OK)
            {
                AddLimits(lines, JsonNode.Parse(body)!);
            }
            else if (status != HttpStatusCode.NotFound)
            {
                lines.Add(("limits", $"{address} answers {(int)status}; ask it with a token"));
            }
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            lines.Add(("limits", $"only a running gateway knows, and {address.Authority} does not answer"));
        }
    }

    private static void AddLimits(List<(string, string)> lines, JsonNode answer)
    {
        foreach (var limit in answer["limits"]!.AsArray())
        {
            var others = limit!["by"]!.AsObject().Where(static by => by.Key != "user").Select(static by => $" {by.Value}");
            lines.Add(("limit", string.Create(
                CultureInfo.InvariantCulture,
                $"plan {limit["plan"]}: {limit["limit"]}{string.Concat(others)}: {limit["used"]} of {limit["of"]}{Nearness((double)limit["share"]!)}")));
        }

        foreach (var limit in answer["bandwidth"]!.AsArray())
        {
            lines.Add(("bandwidth", $"plan {limit!["plan"]}: {limit["limit"]} {limit["direction"]}: {limit["transfers"]} transfers, {limit["waiting"]} waiting"));
        }
    }

    private static string Nearness(double share) => share >= 1 ? ", OVER" : share >= QuotaCounters.NearShare ? ", near" : "";

    private static string Describe(in Usage usage)
        => $"{Number(usage.Requests)} requests, {Bytes(usage.BytesDown)} down, {Bytes(usage.BytesUp)} up, {Number(usage.Tunnels)} tunnels, {Number(usage.Refusals)} refused";

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Bytes(long bytes)
    {
        string[] units = ["B", "KB", "MB", "GB", "TB", "PB"];
        var (value, unit) = ((double)bytes, 0);
        for (; value >= 1000 && unit < units.Length - 1; unit++)
        {
            value /= 1000;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {units[unit]}");
    }
}
