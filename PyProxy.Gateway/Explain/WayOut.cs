using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Privacy;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Explain;

/// <summary>How an exchange would leave the gateway, asked of whoever dials, without dialing.</summary>
internal sealed class WayOut(Dialer dialer, EgressRuntime egress, EgressChooser chooser, PrivacyRuntime privacy)
{
    /// <summary>What is chosen before anything is dialed.</summary>
    public void Describe(AskedExchange asked, ExplanationBuilder answer)
    {
        answer.Privacy = asked.Exchange.WayIn is WayIn.Connect or WayIn.Socks
            ? null // what tunnels carry is not read
            : privacy.ProfileOf(asked.Exchange)?.Mode.ToString();
        answer.Egress = asked.Exchange.WayIn == WayIn.Reverse
            ? null // clusters say where that goes
            : Describe(asked.Exchange);
    }

    private ExplainedEgress Describe(Exchange exchange)
    {
        try
        {
            var way = chooser.Preview(exchange);
            return new ExplainedEgress(
                way.Profile.IsDirect ? null : way.Profile.Name, way.By.ToString(), way.Upstream?.Name, way.Source.IsOpen ? null : way.Source.ToString(), []);
        }
        catch (ProxyException)
        {
            return new ExplainedEgress(exchange.EgressProfile ?? exchange.Account?.EgressProfile ?? exchange.EgressProfileByPlan, "", null, null, []); // refused further on
        }
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

        EgressPreview way;
        try
        {
            way = chooser.Preview(exchange);
        }
        catch (ProxyException e)
        {
            return e.Error; // a profile that there is not
        }

        if (way.UpstreamResolves)
        {
            answer.Notes.Add("The upstream proxy would be handed the name: what that resolves to is not known here.");
            return null;
        }

        // What leaves through an upstream proxy leaves here for the proxy, so the source address says nothing of the destination's.
        var request = new DialRequest(target, DialPurpose.Forward)
        {
            Profile = way.Profile,
            Source = way.Upstream is null ? way.Source : default,
            Condition = exchange.AddressCondition,
        };
        var preview = await dialer.PreviewAsync(request, asked.Addresses, cancellationToken);
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
