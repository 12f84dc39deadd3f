using System.CommandLine;
using PyProxy.Gateway.Configuration;

namespace PyProxy.Gateway.Commands;

/// <summary>Prints what the configuration may hold, for editors and for the documentation.</summary>
internal static class SchemaCommand
{
    public static Command Create(GatewayProgram program)
    {
        var markdown = new Option<bool>("--markdown") { Description = "Print the tables of docs/configuration.md instead." };
        var command = new Command("schema", """
            Print the JSON Schema of the configuration file.

            Example:
              PyProxy.Gateway schema > appsettings.schema.json
            """) { markdown };
        command.SetAction(arguments =>
        {
            var sections = ConfigurationLoader.Sections(program.AddFeatures);
            arguments.InvocationConfiguration.Output.Write(arguments.GetValue(markdown)
                ? ConfigurationReference.Write(sections)
                : ConfigurationSchema.Write(SectionTree.Build(sections)));
            return ExitCodes.Success;
        });
        return command;
    }
}
