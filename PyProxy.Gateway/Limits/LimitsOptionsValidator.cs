using PyProxy.Gateway.Limits.Overload.Machine;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Limits;

internal sealed class LimitsOptionsValidator : ISectionValidator<LimitsOptions>
{
    private const int Max = 1_000_000;

    public void Validate(LimitsOptions options, string path, ConfigurationErrors errors)
    {
        if (options.Gateways is < 1 or > 1000)
        {
            errors.Add($"{path}:{nameof(options.Gateways)}", "must be from 1 to 1000.");
        }

        var overload = options.Overload;
        var at = $"{path}:{nameof(options.Overload)}";
        InRange(overload.MaxConcurrency, 1, $"{at}:{nameof(overload.MaxConcurrency)}");
        InRange(overload.QueuePerUser, 0, $"{at}:{nameof(overload.QueuePerUser)}");
        InRange(overload.QueueLength, 0, $"{at}:{nameof(overload.QueueLength)}");
        if (overload.QueueTimeout < TimeSpan.FromMilliseconds(100) || overload.QueueTimeout > TimeSpan.FromMinutes(1))
        {
            errors.Add($"{at}:{nameof(overload.QueueTimeout)}", $"{overload.QueueTimeout} is out of range; write 00:00:00.1 to 00:01:00.");
        }

        MachineOptionsValidator.Validate(overload.Machine, $"{at}:{nameof(overload.Machine)}", errors);

        var clients = options.Clients;
        at = $"{path}:{nameof(options.Clients)}";
        InRange(clients.Connections ?? 1, 1, $"{at}:{nameof(clients.Connections)}");
        Rates(clients.Handshakes, $"{at}:{nameof(clients.Handshakes)}");
        Rates(clients.Requests, $"{at}:{nameof(clients.Requests)}");

        void InRange(int value, int least, string where)
        {
            if (value < least || value > Max)
            {
                errors.Add(where, $"{value} is out of range; write {least} to {Max}.");
            }
        }

        void Rates(IReadOnlyList<string> rates, string where)
        {
            for (var i = 0; i < rates.Count; i++)
            {
                if (!LimitParser.TryParseRate("clients", rates[i], out var limit) || limit.Key != LimitKey.User)
                {
                    errors.Add($"{where}:{i}", $"\"{rates[i]}\" is no rate per address; write {LimitParser.RateForm}; but no \"per\".");
                }
            }
        }
    }
}
