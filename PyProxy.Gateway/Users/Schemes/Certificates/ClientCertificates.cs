using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;

namespace PyProxy.Gateway.Users.Schemes.Certificates;

/// <summary>Whose a client certificate is. One connection has one certificate, so each is looked at once and not for every request.</summary>
internal sealed class ClientCertificates
{
    private readonly CertificateRule[] _rules;
    private readonly ConditionalWeakTable<X509Certificate2, string> _users = [];

    public ClientCertificates(IEnumerable<ClientCertificateOptions> options)
        => _rules = [.. options.Select(static o => CertificateRule.TryCreate(o, out var rule, out _) ? rule : null).OfType<CertificateRule>()];

    public bool Any => _rules.Length > 0;

    /// <summary>The name of the user, or <see langword="null"/> where no rule fits.</summary>
    public string? UserOf(X509Certificate2 certificate)
    {
        if (!_users.TryGetValue(certificate, out var user))
        {
            user = Array.Find(_rules, rule => rule.Fits(certificate))?.User ?? "";
            _users.AddOrUpdate(certificate, user);
        }

        return user.Length > 0 ? user : null;
    }
}
