using System.CommandLine;

namespace PyProxy.Gateway.Commands.Users;

/// <summary>What several of the commands about users accept, with one meaning.</summary>
internal static class UserArguments
{
    public static Argument<string> Name() => new("NAME") { Description = "The user's name; case-sensitive." };

    public static Option<string[]> Groups(string description) => new("--group") { Description = description, HelpName = "GROUP", AllowMultipleArgumentsPerToken = false };

    public static Option<string?> Plan(string description) => new("--plan") { Description = description, HelpName = "PLAN" };

    public static Option<string?> EgressProfile(string description) => new("--egress-profile") { Description = description, HelpName = "PROFILE" };

    public static Option<bool> Generate() => new("--generate")
    {
        Description = "Make a password of 160 bits and print it once. It is verified in microseconds: for machines, and for very many users.",
    };

    public static Option<string?> NewApiKey() => new("--new-api-key")
    {
        Description = "Make an API key with this label and print it once.",
        HelpName = "LABEL",
    };
}
