using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Listeners.Endpoints;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Explain;

/// <summary>Makes a request of a question, byte for byte what a client would send, so that the same code reads it as reads traffic.</summary>
internal sealed class QuestionReader(ListenerRegistry listeners, TimeProvider time)
{
    private static readonly string[] TimeForms = ["yyyy-MM-ddTHH:mm", "yyyy-MM-ddTHH:mm:ss", "yyyy-MM-dd HH:mm", "yyyy-MM-dd", "yyyy-MM-ddTHH:mmK", "yyyy-MM-ddTHH:mm:ssK"];

    /// <exception cref="QuestionException">The question makes no sense.</exception>
    public AskedExchange Read(Question question)
    {
        if (question.Status is < 100 or > 599 || (question.Status is null && question.ResponseHeaders.Count > 0))
        {
            throw new QuestionException(nameof(Question.Status), "is 100 to 599, and needed where fields of the response are given.");
        }

        // 1. Which door
        var hasScheme = question.Target.Contains("://", StringComparison.Ordinal);
        var method = question.Method ?? (hasScheme ? HttpMethods.Get : HttpMethods.Connect);
        var named = Named(question.Endpoint);
        var way = WayOf(question.WayIn, named, method);
        var listener = named ?? listeners.Listeners.FirstOrDefault(l => l.Role == RoleOf(way));

        // 2. The request that a client would send there
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpRequestBodyDetectionFeature>(new Body(question.BodySize > 0));
        if (listener is not null)
        {
            context.Features.Set<IListenerFeature>(listener);
        }

        Write(context, question, way, method, hasScheme);

        // 3. What the gateway knows of the connection
        var exchange = new Exchange
        {
            Id = "explain",
            Role = RoleOf(way),
            Endpoint = listener?.Name,
            WayIn = way,
            ClientAddress = question.From is { } from ? Address(from, nameof(Question.From)) : null,
        };
        context.Features.Set(exchange);
        var addresses = question.Addresses.Select(text => Address(text, nameof(Question.Addresses))).ToList();
        return new AskedExchange(question, context, exchange, At(question.At), addresses.Count > 0 ? addresses : null);
    }

    private Listener? Named(string? endpoint)
    {
        if (endpoint is null)
        {
            return null;
        }

        var listener = listeners.Listeners.FirstOrDefault(l => l.Name.Equals(endpoint, StringComparison.OrdinalIgnoreCase));
        return listener switch
        {
            null => throw new QuestionException(
                nameof(Question.Endpoint), $"there is no endpoint \"{endpoint}\"; there are: {string.Join(", ", listeners.Listeners.Select(static l => l.Name))}."),
            { Role: ListenerRole.Admin } => throw new QuestionException(nameof(Question.Endpoint), "no rules hold on endpoints of the admin role."),
            _ => listener,
        };
    }

    private static WayIn WayOf(string? text, Listener? listener, string method)
    {
        if (text is null)
        {
            return listener?.Role switch
            {
                ListenerRole.Reverse => WayIn.Reverse,
                ListenerRole.Socks => WayIn.Socks,
                _ => HttpMethods.IsConnect(method) ? WayIn.Connect : WayIn.Forward,
            };
        }

        if (!Enum.TryParse<WayIn>(text, ignoreCase: true, out var way) || !Enum.IsDefined(way) || way == WayIn.Admin)
        {
            throw new QuestionException(nameof(Question.WayIn), $"\"{text}\" is none of forward, connect, socks, reverse.");
        }

        if (listener is not null && listener.Role != RoleOf(way))
        {
            throw new QuestionException(nameof(Question.WayIn), $"the endpoint {listener.Name} has the role {listener.Role}, where nothing comes in by {text}.");
        }

        if (way is WayIn.Connect or WayIn.Socks != HttpMethods.IsConnect(method))
        {
            throw new QuestionException(nameof(Question.WayIn), $"what comes in by {text} has {(HttpMethods.IsConnect(method) ? "another method than CONNECT" : "the method CONNECT")}.");
        }

        return way;
    }

    private static ListenerRole RoleOf(WayIn way) => way switch
    {
        WayIn.Reverse => ListenerRole.Reverse,
        WayIn.Socks => ListenerRole.Socks,
        _ => ListenerRole.Forward,
    };

    private static void Write(HttpContext context, Question question, WayIn way, string method, bool hasScheme)
    {
        var raw = InAscii(question.Target, hasScheme);
        if (!RequestTarget.IsWellFormed(raw) || !FieldNames.IsToken(method))
        {
            throw new QuestionException(nameof(Question.Target), "a target has no spaces, control characters and fragments, and a method has the characters of a token.");
        }

        var request = context.Request;
        request.Method = method;
        request.Protocol = HttpProtocol.Http11;
        foreach (var (name, value) in question.Headers)
        {
            request.Headers[FieldName(name, nameof(Question.Headers))] = value;
        }

        if (question.BodySize is { } size)
        {
            request.ContentLength = size >= 0 ? size : throw new QuestionException(nameof(Question.BodySize), "is not below zero.");
        }

        request.Headers.Host = raw;
        if (hasScheme)
        {
            if (!Uri.TryCreate(raw, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            {
                throw new QuestionException(nameof(Question.Target), $"\"{raw}\" is no http or https URL.");
            }

            request.Scheme = uri.Scheme;
            var rest = raw[(raw.IndexOf("://", StringComparison.Ordinal) + 3)..];
            var end = rest.IndexOfAny(['/', '?']);
            request.Headers.Host = end < 0 ? rest : rest[..end];
            raw = way == WayIn.Reverse ? Origin(end < 0 ? "" : rest[end..]) : raw;
        }
        else if (way is WayIn.Forward or WayIn.Reverse)
        {
            throw new QuestionException(nameof(Question.Target), $"\"{raw}\" is a host and a port, which only CONNECT asks for; everything else asks for a URL: http://{raw}/");
        }

        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = raw;

        static string Origin(string rest) => rest.StartsWith('/') ? rest : "/" + rest;
    }

    /// <summary>A host in other letters than ASCII's as clients send it.</summary>
    private static string InAscii(string target, bool hasScheme)
        => Ascii.IsValid(target) ? target
            : !hasScheme ? HostPort.TryParse(target, defaultPort: 0, out var authority) ? authority.ToString() : target
            : Uri.TryCreate(target, UriKind.Absolute, out var url) ? FormattableString.Invariant($"{url.Scheme}://{url.IdnHost}:{url.Port}{url.PathAndQuery}") : target;

    /// <summary>Puts the destination's answer into the exchange.</summary>
    /// <returns>False where the question has none.</returns>
    /// <exception cref="QuestionException">It makes no sense.</exception>
    public static bool TryRespond(HttpContext context, Question question)
    {
        if (question.Status is not { } status)
        {
            return false;
        }

        context.Response.StatusCode = status;
        foreach (var (name, value) in question.ResponseHeaders)
        {
            context.Response.Headers[FieldName(name, nameof(Question.ResponseHeaders))] = value;
        }

        return true;
    }

    private static string FieldName(string name, string member)
        => FieldNames.IsToken(name) ? name : throw new QuestionException(member, $"\"{name}\" is no name of a field.");

    private static IPAddress Address(string text, string member)
        => IPAddress.TryParse(text, out var address) ? ClientRange.Unmap(address) : throw new QuestionException(member, $"\"{text}\" is no address.");

    private DateTimeOffset At(string? text)
        => text is null ? time.GetUtcNow()
            : DateTimeOffset.TryParseExact(text, TimeForms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at
            : throw new QuestionException(nameof(Question.At), $"\"{text}\" is no time; write 2026-03-01T09:00, or 2026-03-01T09:00+01:00.");

    private sealed record Body(bool CanHaveBody) : IHttpRequestBodyDetectionFeature;
}
