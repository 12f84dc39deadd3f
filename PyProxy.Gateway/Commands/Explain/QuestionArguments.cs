using System.CommandLine;
using PyProxy.Gateway.Explain;

namespace PyProxy.Gateway.Commands.Explain;

/// <summary>A question on the command line.</summary>
internal sealed class QuestionArguments
{
    private readonly Option<string> _target = new("--target") { Description = "Host and port for a tunnel (example.org:443), or a URL.", HelpName = "TARGET", Required = true };
    private readonly Option<string?> _method = Text("--method", "METHOD", "The method. Default: CONNECT for host and port, GET for a URL.");
    private readonly Option<string?> _user = Text("--user", "NAME", "Who asks; groups and plan are looked up. Default: an anonymous client.");
    private readonly Option<string[]> _groups = new("--group") { Description = "A group of the user, in place of those that are looked up. Repeatable.", HelpName = "GROUP" };
    private readonly Option<string?> _plan = Text("--plan", "PLAN", "The user's plan, in place of the one that is looked up.");
    private readonly Option<string?> _from = Text("--from", "ADDRESS", "The client's address.");
    private readonly Option<string?> _at = Text("--at", "TIME", "When: 2026-03-01T09:00, in UTC unless it says otherwise. Default: now.");
    private readonly Option<string?> _way = Text("--way", "WAY", "The way in: forward, connect, socks or reverse. Default: by endpoint and method.");
    private readonly Option<string?> _endpoint = Text("--endpoint", "NAME", "The endpoint in Kestrel:Endpoints. Default: the first one of the way in.");
    private readonly Option<string[]> _headers = new("--header") { Description = "A field of the request, 'Name: value'. Repeatable.", HelpName = "FIELD" };
    private readonly Option<long?> _bodySize = new("--body-size") { Description = "The body's declared size in bytes. Default: no body.", HelpName = "BYTES" };
    private readonly Option<string[]> _addresses = new("--address") { Description = "An address that the host is to resolve to. Repeatable. Default: it is resolved.", HelpName = "ADDRESS" };
    private readonly Option<int?> _status = new("--status") { Description = "Status of the response; with it the rules about responses are asked as well.", HelpName = "STATUS" };
    private readonly Option<string[]> _responseHeaders = new("--response-header") { Description = "A field of the response, 'Name: value'. Repeatable.", HelpName = "FIELD" };

    public void AddTo(Command command)
    {
        Option[] options = [_target, _method, _user, _groups, _plan, _from, _at, _way, _endpoint, _headers, _bodySize, _addresses, _status, _responseHeaders];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The option that a member of the question comes from.</summary>
    public static string OptionOf(string member) => member switch
    {
        nameof(Question.Groups) => "--group",
        nameof(Question.WayIn) => "--way",
        nameof(Question.Headers) => "--header",
        nameof(Question.BodySize) => "--body-size",
        nameof(Question.Addresses) => "--address",
        nameof(Question.ResponseHeaders) => "--response-header",
        _ => "--" + member.ToLowerInvariant(),
    };

    /// <exception cref="QuestionException">A field is not written as one.</exception>
    public Question Read(ParseResult arguments) => new()
    {
        Target = arguments.GetRequiredValue(_target),
        Method = arguments.GetValue(_method),
        User = arguments.GetValue(_user),
        Groups = arguments.GetValue(_groups) is { Length: > 0 } groups ? groups : null,
        Plan = arguments.GetValue(_plan),
        From = arguments.GetValue(_from),
        At = arguments.GetValue(_at),
        WayIn = arguments.GetValue(_way),
        Endpoint = arguments.GetValue(_endpoint),
        Headers = Fields(arguments.GetValue(_headers), nameof(Question.Headers)),
        BodySize = arguments.GetValue(_bodySize),
        Addresses = arguments.GetValue(_addresses) ?? [],
        Status = arguments.GetValue(_status),
        ResponseHeaders = Fields(arguments.GetValue(_responseHeaders), nameof(Question.ResponseHeaders)),
    };

    private static Option<string?> Text(string name, string help, string description) => new(name) { Description = description, HelpName = help };

    private static Dictionary<string, string> Fields(string[]? lines, string member)
    {
        var fields = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in lines ?? [])
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
            {
                throw new QuestionException(member, $"\"{line}\" is not written 'Name: value'.");
            }

            var name = line[..colon];
            var value = line[(colon + 1)..].Trim();
            fields[name] = fields.TryGetValue(name, out var before) ? $"{before}, {value}" : value;
        }

        return fields;
    }
}
