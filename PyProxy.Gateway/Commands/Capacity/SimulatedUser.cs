using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>
/// One user: asks at fixed moments, whether the answer to the last request was quick or not, and catches up with what it could not ask in time.
/// </summary>
internal sealed class SimulatedUser
{
    private const long None = -1;

    private readonly LoadPlan _plan;
    private readonly LoadAddress _entry;
    private readonly Func<LoadRecorder> _recorder;
    private readonly (string Name, string Password)? _credentials;
    private readonly byte[] _request;
    private readonly byte[]? _connect;
    private readonly TimeSpan _phase;
    private LoadConnection? _connection;
    private int _requestsLeft;
    private long _started;
    private long _pendingSince; // ticks after the start at which the request under way was due; -1 = none is

    /// <param name="plan">What is asked, where and how often.</param>
    /// <param name="kind">What this user does.</param>
    /// <param name="number">Which user it is: says its credentials and its place in the interval.</param>
    /// <param name="recorder">The recorder of the stage that is under way.</param>
    public SimulatedUser(LoadPlan plan, LoadKind kind, int number, Func<LoadRecorder> recorder)
    {
        _plan = plan;
        Kind = kind;
        _entry = plan.EntryOf(kind);
        _recorder = recorder;
        _credentials = plan.Users.Of(number);
        _phase = plan.Interval * (number * 0.6180339887498949 % 1); // golden ratio: any number of users is spread evenly
        (_connect, _request) = Requests(plan, kind, plan.Users.BasicOf(number));
    }

    public LoadKind Kind { get; }

    /// <summary>How long the request under way has been due; <see langword="null"/> where none is.</summary>
    public TimeSpan? Pending
        => Volatile.Read(ref _started) is var started && started != 0 && Volatile.Read(ref _pendingSince) is var since && since != None
            ? Stopwatch.GetElapsedTime(started) - TimeSpan.FromTicks(since)
            : null;

    public async Task RunAsync(CancellationToken stop)
    {
        var started = Stopwatch.GetTimestamp();
        var due = _phase;
        Volatile.Write(ref _pendingSince, None);
        Volatile.Write(ref _started, started);
        try
        {
            while (true)
            {
                // 1. Wait for the moment. Behind schedule there is none to wait for.
                if (due - Stopwatch.GetElapsedTime(started) is var wait && wait > TimeSpan.Zero)
                {
                    await Task.Delay(wait, stop);
                    _recorder().RecordLateness(Stopwatch.GetElapsedTime(started) - due);
                }

                // 2. Ask.
                stop.ThrowIfCancellationRequested();
                Volatile.Write(ref _pendingSince, due.Ticks);
                var failure = await AskAsync(stop);
                Volatile.Write(ref _pendingSince, None);

                // 3. Say how long it took from when it was due.
                _recorder().Record(Kind, Stopwatch.GetElapsedTime(started) - due, failure);
                due += _plan.Interval;
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The stage is over.
        }
        finally
        {
            await CloseAsync();
        }
    }

    private async Task<string?> AskAsync(CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(_plan.RequestTimeout);
        try
        {
            var failure = _connection is null ? await OpenAsync(patience.Token) : null;
            if (failure is not null)
            {
                await CloseAsync();
                return failure;
            }

            var answer = await _connection!.SendAsync(_request, isConnect: false, patience.Token);
            if (!answer.KeepsAlive || --_requestsLeft <= 0)
            {
                await CloseAsync();
            }

            return answer.Status < 400 ? null : Describe(answer);
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException or FormatException)
        {
            await CloseAsync();
            return Describe(e);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            await CloseAsync();
            return FormattableString.Invariant($"no answer within {_plan.RequestTimeout.TotalSeconds:0.#} s");
        }
    }

    /// <summary>Why there is no connection to ask through; <see langword="null"/> where there is one.</summary>
    private async Task<string?> OpenAsync(CancellationToken cancellationToken)
    {
        _connection = await LoadConnection.OpenAsync(_entry, cancellationToken);
        _requestsLeft = Kind is LoadKind.Tunnel or LoadKind.Socks ? _plan.RequestsPerTunnel : int.MaxValue;
        switch (Kind)
        {
            case LoadKind.Tunnel:
                var answer = await _connection.SendAsync(_connect, isConnect: true, cancellationToken);
                return answer.Status is >= 200 and < 300 ? null : "CONNECT: " + Describe(answer);
            case LoadKind.Socks:
                var code = await _connection.OpenSocksAsync(_plan.Target!.Host, _plan.Target.Uri.Port, _credentials, cancellationToken);
                return code == 0 ? null : FormattableString.Invariant($"SOCKS5 reply {code}");
            default:
                return null;
        }
    }

    private async ValueTask CloseAsync()
    {
        if (_connection is { } connection)
        {
            _connection = null;
            await connection.DisposeAsync();
        }
    }

    private static (byte[]? Connect, byte[] Request) Requests(LoadPlan plan, LoadKind kind, string? credentials)
    {
        var (target, proxyField, field) = (plan.Target, "", "");
        if (credentials is not null)
        {
            (proxyField, field) = ($"Proxy-Authorization: {credentials}\r\n", $"Authorization: {credentials}\r\n");
        }

        return kind switch
        {
            LoadKind.Plain => (null, Bytes($"GET http://{target!.Authority}{target.Uri.PathAndQuery} HTTP/1.1\r\nHost: {target.Authority}\r\n{proxyField}\r\n")),
            LoadKind.Reverse => (null, Bytes($"GET {plan.Reverse!.Uri.PathAndQuery} HTTP/1.1\r\nHost: {plan.Reverse.Authority}\r\n{field}\r\n")),
            _ => (Bytes($"CONNECT {target!.Authority} HTTP/1.1\r\nHost: {target.Authority}\r\n{proxyField}\r\n"),
                Bytes($"GET {target.Uri.PathAndQuery} HTTP/1.1\r\nHost: {target.Authority}\r\n\r\n")),
        };
    }

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private static string Describe(in LoadAnswer answer)
        => answer.ProxyError is { } error
            ? FormattableString.Invariant($"{answer.Status} {error}")
            : FormattableString.Invariant($"{answer.Status}");

    private static string Describe(Exception exception) => exception switch
    {
        SocketException socket => LoadFailures.Of(socket.SocketErrorCode),
        { InnerException: SocketException socket } => LoadFailures.Of(socket.SocketErrorCode),
        EndOfStreamException => LoadFailures.EndedEarly,
        _ => exception.Message,
    };
}
