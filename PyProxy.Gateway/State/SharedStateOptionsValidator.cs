using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.State;

internal sealed class SharedStateOptionsValidator : ISectionValidator<SharedStateOptions>
{
    public void Validate(SharedStateOptions options, string path, ConfigurationErrors errors)
    {
        if (options.Redis is not null && string.IsNullOrWhiteSpace(options.Redis))
        {
            errors.Add($"{path}:Redis", "must be host:port, or absent.");
        }

        if (string.IsNullOrWhiteSpace(options.Database))
        {
            errors.Add($"{path}:Database", "must be a connection string of SQLite or PostgreSQL.");
        }
    }
}
