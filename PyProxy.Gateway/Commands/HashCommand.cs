using System.CommandLine;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Commands;

/// <summary>Hashes a password, or makes a credential together with its hash, for the configuration file.</summary>
internal static class HashCommand
{
    public static Command Create()
    {
        var argon2 = new Option<bool>("--argon2id") { Description = "Argon2id (19 MiB, 2 passes) instead of PBKDF2-HMAC-SHA512 (100,000 iterations)." };
        var generate = new Option<bool>("--generate") { Description = "Make a password of 160 bits; print it on standard error, its fast hash on standard output." };
        var apiKey = new Option<bool>("--api-key") { Description = "Make an API key; print it on standard error, the line for \"ApiKeys\" on standard output." };
        var command = new Command("hash", """
            Hash a password for "PasswordHash". Asks for it without showing it, or reads one line of standard input.

            Examples:
              PyProxy.Gateway hash
              PyProxy.Gateway hash < password.txt
              PyProxy.Gateway hash --argon2id
              PyProxy.Gateway hash --generate     for machines: cannot be guessed, so it is verified in microseconds
              PyProxy.Gateway hash --api-key
            """) { argon2, generate, apiKey };
        command.SetAction((arguments, cancellationToken) =>
        {
            var invocation = arguments.InvocationConfiguration;
            return arguments.GetValue(apiKey) ? MakeApiKeyAsync(invocation)
                : arguments.GetValue(generate) ? GenerateAsync(invocation)
                : HashAsync(invocation, arguments.GetValue(argon2) ? PasswordAlgorithm.Argon2id : PasswordAlgorithm.Pbkdf2, cancellationToken);
        });
        return command;
    }

    private static async Task<int> HashAsync(InvocationConfiguration invocation, PasswordAlgorithm algorithm, CancellationToken cancellationToken)
    {
        try
        {
            if (await PasswordInput.ReadAsync(invocation, cancellationToken) is not { } password)
            {
                return ExitCodes.Failure;
            }

            await invocation.Output.WriteLineAsync(PasswordHashing.Hash(password, new PasswordHashingOptions { Algorithm = algorithm }).ToString());
            return ExitCodes.Success;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCodes.Interrupted;
        }
    }

    private static async Task<int> GenerateAsync(InvocationConfiguration invocation)
    {
        var password = GeneratedCredential.NewPassword();
        await invocation.Error.WriteLineAsync($"Password: {password}");
        await invocation.Output.WriteLineAsync(KeyedHash.CreateGenerated(password).ToString());
        return ExitCodes.Success;
    }

    private static async Task<int> MakeApiKeyAsync(InvocationConfiguration invocation)
    {
        var (id, key) = GeneratedCredential.NewApiKey();
        await invocation.Error.WriteLineAsync($"API key: {key}");
        await invocation.Output.WriteLineAsync($"\"{id}\": \"{KeyedHash.CreateGenerated(key)}\"");
        return ExitCodes.Success;
    }
}
