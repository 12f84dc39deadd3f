using Microsoft.AspNetCore.Connections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Http;

/// <summary>
/// The place where whatever went wrong further in becomes an answer that says so. An exception ends its own exchange and nothing else.
/// </summary>
internal sealed partial class ProxyErrorsMiddleware(RequestDelegate next, RefusalWriter refusals, ILogger<ProxyErrorsMiddleware> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        ProxyError? error;
        try
        {
            await next(context);

            // An exchange that ended with an error has had its answer (to HEAD without a body, so the response may not have started).
            error = context.Response.HasStarted || Exchange.Of(context).Error is not null ? null : BareStatus.Explain(context);
        }
        catch (Exception exception)
        {
            error = Classify(context, exception);
        }

        if (error == ProxyErrors.ClientClosed)
        {
            Exchange.Of(context).Error = error;
            context.Abort(); // without it the server would still write a head to nobody
        }
        else if (error is not null)
        {
            await refusals.WriteAsync(context, error);
        }
    }

    private ProxyError Classify(HttpContext context, Exception exception)
    {
        if (ProxyException.Find(exception) is { } known)
        {
            return known;
        }

        // First of the rest: a client that leaves in the middle of its body also shows as a bad request.
        if (context.RequestAborted.IsCancellationRequested
            && exception is OperationCanceledException or ConnectionAbortedException or ConnectionResetException or BadHttpRequestException)
        {
            return ProxyErrors.ClientClosed;
        }

        if (exception is BadHttpRequestException bad)
        {
            return RequestFailure.FromBadRequest(bad);
        }

        LogUnhandled(exception, Exchange.Of(context).Id);
        return ProxyErrors.Internal;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Exchange {Exchange} ended by an unhandled exception.")]
    private partial void LogUnhandled(Exception exception, string exchange);
}
