using System.CommandLine;
using System.Globalization;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>The arguments of <c>capacity</c>, and the plan that they make.</summary>
internal sealed class CapacityOptions
{
    private readonly Option<string?> _forward = new("--forward") { Description = "The forward proxy: http://127.0.0.1:3128. For plain and tunnel." };
    private readonly Option<string?> _socks = new("--socks") { Description = "The SOCKS5 endpoint: socks5://127.0.0.1:1080. For socks." };
    private readonly Option<string?> _reverse = new("--reverse") { Description = "The reverse proxy, with the path to ask for: http://127.0.0.1:8080/. For reverse." };
    private readonly Option<string?> _target = new("--target") { Description = "What to ask for through forward, tunnels and SOCKS5: http://127.0.0.1:9000/. It gets all of the load, too." };
    private readonly Option<string?> _admin = new("--admin") { Description = "The gateway's admin endpoint: http://127.0.0.1:9090. Its metrics tell what gave way." };
    private readonly Option<string?> _users = new("--users") { Description = "File with a line name:password for each user. Without it everybody is anonymous." };
    private readonly Option<string?> _mix = new("--mix") { Description = "How users are shared among plain, tunnel, socks and reverse: plain=70,tunnel=20,reverse=10. Default: evenly among the endpoints named." };
    private readonly Option<double> _rate = new("--rate") { Description = "Requests of each user per second; from 0.001 to 10,000.", DefaultValueFactory = static _ => 1 };
    private readonly Option<int> _perTunnel = new("--requests-per-tunnel") { Description = "Requests through a tunnel before the user opens another one.", DefaultValueFactory = static _ => 10 };
    private readonly Option<int> _start = new("--start") { Description = "Users to begin with.", DefaultValueFactory = static _ => 50 };
    private readonly Option<int> _max = new("--max") { Description = "Users to end with, at most.", DefaultValueFactory = static _ => 10_000 };
    private readonly Option<double> _stage = new("--stage") { Description = "Seconds for which each number of users is measured.", DefaultValueFactory = static _ => 10 };
    private readonly Option<double> _p99 = new("--p99") { Description = "Target: 99 of 100 requests are answered within so many milliseconds.", DefaultValueFactory = static _ => 250 };
    private readonly Option<double> _errors = new("--errors") { Description = "Target: at most so many percent of requests fail.", DefaultValueFactory = static _ => 0.1 };
    private readonly Option<double> _timeout = new("--timeout") { Description = "Seconds after which a request without an answer has failed.", DefaultValueFactory = static _ => 30 };
    private readonly Option<int?> _want = new("--want") { Description = "Users that are to be served: says how many replicas that takes." };
    private readonly Option<bool> _insecure = new("--insecure") { Description = "Accept any certificate." };
    private readonly Option<bool> _allowRemote = new("--allow-remote") { Description = "Make load on other machines. Each of them must be named by --i-operate as well." };
    private readonly Option<string[]> _operate = new("--i-operate") { Description = "A host, other than loopback, that you may put under load. Can be repeated." };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])
            [_forward, _socks, _reverse, _target, _admin, _users, _mix, _rate, _perTunnel, _start, _max, _stage, _p99, _errors, _timeout, _want, _insecure, _allowRemote, _operate])
        {
            command.Options.Add(option);
        }
    }

    /// <exception cref="FormatException">The arguments make no plan; the message says which, and what would.</exception>
    public async Task<LoadPlan> ReadAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var insecure = arguments.GetValue(_insecure);
        var plan = new LoadPlan
        {
            Forward = Address(arguments, _forward, insecure, "http", "https"),
            Socks = Address(arguments, _socks, insecure, "socks5", "socks5h"),
            Reverse = Address(arguments, _reverse, insecure, "http", "https"),
            Target = Address(arguments, _target, insecure, "http"),
            Admin = Address(arguments, _admin, insecure, "http", "https")?.Uri,
            Mix = LoadMix.Parse(arguments.GetValue(_mix) ?? DefaultMix(arguments)),
            Users = arguments.GetValue(_users) is { } file ? await LoadUsers.ReadAsync(file, cancellationToken) : LoadUsers.None,
            Interval = TimeSpan.FromSeconds(1 / InRange(arguments, _rate, 0.001, 10_000)),
            RequestsPerTunnel = (int)InRange(arguments, _perTunnel, 1, 1_000_000),
            StartUsers = (int)InRange(arguments, _start, 1, 1_000_000),
            MaxUsers = (int)InRange(arguments, _max, 1, 1_000_000),
            Stage = TimeSpan.FromSeconds(InRange(arguments, _stage, 0.1, 3600)),
            RequestTimeout = TimeSpan.FromSeconds(InRange(arguments, _timeout, 0.1, 3600)),
            P99Target = TimeSpan.FromMilliseconds(InRange(arguments, _p99, 0.1, 3_600_000)),
            ErrorTarget = InRange(arguments, _errors, 0, 100) / 100,
            WantedUsers = arguments.GetValue(_want) is { } want and > 0 ? want : null,
        };
        Check(plan, arguments);
        return plan;
    }

    private void Check(LoadPlan plan, ParseResult arguments)
    {
        if (plan.StartUsers > plan.MaxUsers)
        {
            throw new FormatException($"--start {plan.StartUsers} is more than --max {plan.MaxUsers}.");
        }

        foreach (var kind in plan.Mix.Kinds)
        {
            var missing = kind switch
            {
                LoadKind.Plain or LoadKind.Tunnel when plan.Forward is null => _forward.Name,
                LoadKind.Socks when plan.Socks is null => _socks.Name,
                LoadKind.Reverse when plan.Reverse is null => _reverse.Name,
                LoadKind.Plain or LoadKind.Tunnel or LoadKind.Socks when plan.Target is null => _target.Name,
                _ => null,
            };
            if (missing is not null)
            {
                throw new FormatException($"Users of the kind {kind.ToString().ToLowerInvariant()} need {missing} URL.");
            }
        }

        var operated = arguments.GetValue(_operate) ?? [];
        foreach (var address in plan.Addresses.Where(static address => !address.IsLoopback))
        {
            if (!arguments.GetValue(_allowRemote) || !operated.Contains(address.Host, StringComparer.OrdinalIgnoreCase))
            {
                throw new FormatException(
                    $"{address.Host} is not this machine. A load test can take a service down; where you may do that, say so twice: --allow-remote --i-operate {address.Host}");
            }
        }
    }

    private string DefaultMix(ParseResult arguments)
    {
        var kinds = new List<string>();
        if (arguments.GetValue(_forward) is not null)
        {
            kinds.AddRange(["plain", "tunnel"]);
        }

        if (arguments.GetValue(_socks) is not null)
        {
            kinds.Add("socks");
        }

        if (arguments.GetValue(_reverse) is not null)
        {
            kinds.Add("reverse");
        }

        return kinds.Count > 0 ? string.Join(',', kinds) : throw new FormatException("Name what to put under load: --forward, --socks or --reverse URL.");
    }

    private static LoadAddress? Address(ParseResult arguments, Option<string?> option, bool insecure, params string[] schemes)
    {
        if (arguments.GetValue(option) is not { } text)
        {
            return null;
        }

        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && schemes.Contains(uri.Scheme) && uri.Port > 0
            ? new LoadAddress(uri, insecure)
            : throw new FormatException($"{option.Name}: \"{text}\" is no address of the form {schemes[0]}://HOST:PORT.");
    }

    private static double InRange<T>(ParseResult arguments, Option<T> option, double least, double most)
    {
        var value = Convert.ToDouble(arguments.GetValue(option), CultureInfo.InvariantCulture);
        return value >= least && value <= most
            ? value
            : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{option.Name} must be from {least} to {most}."));
    }
}
