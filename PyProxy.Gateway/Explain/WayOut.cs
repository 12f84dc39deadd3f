using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Privacy;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Explain;

/// <summary>How an exchange would leave the gateway, asked of whoever dials, without dialing.</summary>
internal sealed class WayOut(Dialer dialer, EgressRuntime egress, PrivacyRuntime privacy)
{
    /// <summary>What is chosen before anything is dialed.</summary>
    public void Describe(AskedExchange asked, ExplanationBuilder answer)
    {
        answer.Privacy = asked.Exchange.WayIn is WayIn.Connect or WayIn.Socks
            ? null // what tunnels carry is not read
            : privacy.ProfileOf(asked.Exchange)?.Mode.ToString();
        answer.Egress = asked.Exchange.WayIn == WayIn.Reverse
            ? null // clusters say where that goes
            : new ExplainedEgress(asked.Exchange.EgressProfile, egress.Current.SourceAddress?.ToString(), []);
    }

    /// <returns>Why the destination would not be reached; <see langword="null"/> where nothing stands in the way.</returns>
    public async Task<ProxyError?> PreviewAsync(AskedExchange asked, ExplanationBuilder answer, CancellationToken cancellationToken)
    {
        var exchange = asked.Exchange;
        var target = exchange.Target!.Value; // every forward way in has one
        if (exchange.WayIn is WayIn.Connect or WayIn.Socks && !egress.Current.ConnectPorts.Allows(target, out var refusal))
        {
            return refusal;
        }

        var preview = await dialer.PreviewAsync(target, DialPurpose.Forward, exchange.AddressCondition, asked.Addresses, cancellationToken);
        answer.Egress = answer.Egress! with
        {
            Addresses =
            [
                .. preview.Addresses.Select(address => new ExplainedAddress(
                    address.ToString(),
                    preview.Dialed.Exists(endPoint => endPoint.Address.Equals(address)),
                    answer.Trace.Addresses.FirstOrDefault(vetted => vetted.Address.Equals(address))?.Rule?.Name)),
            ],
        };
        return preview.Error;
    }
}
