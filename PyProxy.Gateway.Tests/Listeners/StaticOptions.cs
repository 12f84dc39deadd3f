using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Tests.Listeners;

/// <summary>Options that change only when a test says so.</summary>
internal sealed class StaticOptions<T>(T value) : IOptionsMonitor<T>
{
    private Action<T, string?>? _listener;

    public T CurrentValue { get; private set; } = value;

    public T Get(string? name) => CurrentValue;

    public IDisposable? OnChange(Action<T, string?> listener)
    {
        _listener += listener;
        return null;
    }

    public void Change(T value)
    {
        CurrentValue = value;
        _listener?.Invoke(value, null);
    }
}
