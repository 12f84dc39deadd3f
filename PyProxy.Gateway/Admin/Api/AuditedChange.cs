namespace PyProxy.Gateway.Admin.Api;

/// <summary>
/// Parameter of every handler that changes something: what it was before and after, for the audit log. The record is written whether the
/// handler fills this in or not.
/// </summary>
internal sealed class AuditedChange
{
    /// <summary>Anything that serializes to JSON; secrets are masked by their members' names.</summary>
    public object? Before { get; set; }

    /// <inheritdoc cref="Before"/>
    public object? After { get; set; }

    /// <summary>How minimal APIs come by a parameter of this type.</summary>
    public static ValueTask<AuditedChange?> BindAsync(HttpContext context)
    {
        var change = context.Features.Get<AuditedChange>();
        if (change is null)
        {
            context.Features.Set(change = new AuditedChange());
        }

        return ValueTask.FromResult<AuditedChange?>(change);
    }
}

/// <summary>Writes one record for each call that is to change something, however it ends.</summary>
internal sealed class AuditFilter(AuditLog log) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (HttpMethods.IsGet(http.Request.Method)
            || HttpMethods.IsHead(http.Request.Method)
            || http.GetEndpoint()?.Metadata.GetMetadata<ChangesNothing>() is not null)
        {
            return await next(context);
        }

        var change = (await AuditedChange.BindAsync(http))!;
        object? result;
        try
        {
            result = await next(context);
        }
        catch
        {
            await log.RecordAsync(http, change, StatusCodes.Status500InternalServerError);
            throw;
        }

        await log.RecordAsync(http, change, StatusOf(result, http));
        return result;
    }

    // The result has not been written yet: it knows its status, the response does not.
    private static int StatusOf(object? result, HttpContext http) => result switch
    {
        INestedHttpResult nested => StatusOf(nested.Result, http),
        IStatusCodeHttpResult { StatusCode: { } status } => status,
        _ => http.Response.StatusCode,
    };
}
