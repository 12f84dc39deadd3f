using PyProxy.Gateway.Sections;
using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.State;

internal sealed class SharedStateOptionsValidator : ISectionValidator<SharedStateOptions>
{
    public void Validate(SharedStateOptions options, string path, ConfigurationErrors errors)
    {
        if (options.Redis is not null && string.IsNullOrWhiteSpace(options.Redis))
        {
            errors.Add($"{path}:Redis", "must be host:port, or absent.");
        }

        if (!DatabaseAddress.TryParse(options.Database, dataDirectory: "", out _, out var mistake))
        {
            errors.Add($"{path}:Database", mistake);
        }
    }
}
