using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Configuration;

/// <summary>
/// Refuses a proxy that others can reach and nobody may use: it would run, look healthy and answer 407 to everyone. Above all that is the
/// container image, which has no users until it is given some.
/// </summary>
internal sealed class MissingUsersValidator : ICrossSectionValidator
{
    private const string Accounts = "Gateway:Users:Accounts";
    private const string Stores = "Gateway:Users:Stores";

    public void Validate(IConfiguration candidate, ConfigurationErrors errors)
    {
        // A disabled user counts: a reload that locks out the last one has to take effect, not to be refused. Who lives in the other stores is not
        // known here, and comes and goes while the gateway runs.
        if (candidate.GetSection(Accounts).GetChildren().Any()
            || candidate.GetSection(Stores).GetChildren().Any(store => !string.Equals(store.Value, "Configuration", StringComparison.OrdinalIgnoreCase)))
        {
            return;
        }

        foreach (var endpoint in candidate.GetSection("Kestrel:Endpoints").GetChildren())
        {
            if (Enum.TryParse<ListenerRole>(endpoint["Role"], ignoreCase: true, out var role)
                && role is ListenerRole.Forward or ListenerRole.Socks
                && !(bool.TryParse(endpoint["AllowAnonymous"], out var anonymous) && anonymous)
                && !EndpointUrl.IsLoopback(endpoint["Url"]))
            {
                errors.Add(
                    Accounts,
                    $"has no user, and {endpoint.Path} ({endpoint["Url"]}) lets nobody in without one; add a user with the \"PasswordHash\" that "
                    + $"`PyProxy.Gateway hash` prints, name another store in {Stores}, or bind the endpoint to loopback");
                return; // the same users are missing on every other endpoint
            }
        }
    }
}
