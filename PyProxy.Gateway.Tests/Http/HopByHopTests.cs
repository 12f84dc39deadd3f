using PyProxy.Gateway.Http;

namespace PyProxy.Gateway.Tests.Http;

public sealed class HopByHopTests
{
    [Fact]
    public void FieldsNominatedOverSeveralLines_AreRemovedFromRequests()
    {
        var headers = new HeaderDictionary
        {
            ["Connection"] = new(["X-A", "x-b ,X-C, bad name"]),
            ["X-A"] = "1",
            ["X-B"] = "1",
            ["X-C"] = "1",
            ["X-D"] = "kept",
        };

        HopByHop.RemoveNominated(headers);

        Assert.Equal(2, headers.Count);
        Assert.True(headers.ContainsKey("X-D"));
    }

    [Theory]
    [InlineData("Host")]
    [InlineData("Content-Length")]
    [InlineData("Via")]
    [InlineData("Max-Forwards")]
    [InlineData("Proxy-Authorization")]
    public void FieldThatTheMessageOrTheGatewayNeeds_CannotBeNominatedAway(string name)
    {
        var headers = new HeaderDictionary { ["Connection"] = name, [name] = "1" };

        HopByHop.RemoveNominated(headers);

        Assert.True(headers.ContainsKey(name));
    }

    [Fact]
    public void NominatedFields_AreRemovedFromResponses()
    {
        using var response = new HttpResponseMessage { Content = new StringContent("x") };
        response.Headers.TryAddWithoutValidation("Connection", "X-Hop, content-language, bad name, Content-Length");
        response.Headers.TryAddWithoutValidation("X-Hop", "1");
        response.Content.Headers.TryAddWithoutValidation("Content-Language", "en");
        response.Content.Headers.ContentLength = 1;

        HopByHop.RemoveNominated(response);

        Assert.False(response.Headers.NonValidated.Contains("X-Hop"));
        Assert.False(response.Content.Headers.NonValidated.Contains("Content-Language"));
        Assert.Equal(1, response.Content.Headers.ContentLength);
    }
}
