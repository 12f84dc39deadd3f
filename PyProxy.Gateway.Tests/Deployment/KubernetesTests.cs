using k8s;
using k8s.Models;
using PyProxy.Gateway.Tests.Functional;
using YamlDotNet.RepresentationModel;

namespace PyProxy.Gateway.Tests.Deployment;

/// <summary>
/// The manifests, read into the types of Kubernetes' own API (KubernetesClient 21, API 1.37), which refuse what the API does not know. What
/// is required and left out they do not notice, and a cluster is not asked.
/// </summary>
public sealed class KubernetesTests
{
    private const string Folder = "deploy/kubernetes";

    [Fact]
    public async Task Manifests_HaveNothingThatTheApiDoesNotKnow()
    {
        var read = new List<object>();
        foreach (var file in (string[])["deployment.yaml", "service.yaml", "autoscaling.yaml", "networkpolicy.yaml"])
        {
            read.AddRange(Parse(await RepositoryFiles.ReadAsync($"{Folder}/{file}")));
        }

        Assert.Equal(6, read.Count);
    }

    [Fact]
    public async Task UnknownField_IsNoticed()
    {
        var manifest = await RepositoryFiles.ReadAsync($"{Folder}/deployment.yaml");

        Assert.ThrowsAny<Exception>(() => Parse(manifest.Replace("readOnlyRootFilesystem", "readOnlyRootFileSystem", StringComparison.Ordinal)).ToList());
    }

    [Fact]
    public async Task Pod_DrainsWithinItsTimeAndIsAskedWhereTheGatewayAnswers()
    {
        var deployment = Parse(await RepositoryFiles.ReadAsync($"{Folder}/deployment.yaml")).OfType<V1Deployment>().Single();
        var pod = deployment.Spec.Template.Spec;
        var container = Assert.Single(pod.Containers);
        var shutdown = new ConfigurationBuilder().AddJsonFile(RepositoryFiles.PathOf($"{Folder}/appsettings.json")).Build().GetSection("Gateway:Shutdown");

        // preStop, delay, deadline, and what the gateway takes to unwind
        var needed = TimeSpan.FromSeconds(container.Lifecycle.PreStop.Sleep.Seconds)
            + shutdown.GetValue<TimeSpan>("Delay")
            + shutdown.GetValue<TimeSpan>("RequestTimeout")
            + TimeSpan.FromSeconds(5);
        Assert.True(TimeSpan.FromSeconds(pod.TerminationGracePeriodSeconds!.Value) >= needed, $"needs {needed}");

        // Readiness has been asked, twice, before listeners close.
        Assert.True(shutdown.GetValue<TimeSpan>("Delay") > TimeSpan.FromSeconds(2 * container.ReadinessProbe.PeriodSeconds!.Value));
        Assert.All([container.StartupProbe, container.LivenessProbe, container.ReadinessProbe], probe => Assert.Equal("admin", probe.HttpGet.Port.Value));
        Assert.Equal("/health/ready", container.ReadinessProbe.HttpGet.Path);
        Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
        Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
        Assert.True(pod.SecurityContext.RunAsNonRoot);
    }

    /// <summary>What needs no renderer, so that it is looked at also where kubectl is missing or too old.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("/monitoring")]
    public async Task Kustomization_HasEveryFile_AndNamesWhatThePartsName(string below)
    {
        var folder = RepositoryFiles.PathOf(Folder + below);
        var kustomization = Assert.Single(Documents(await File.ReadAllTextAsync(Path.Combine(folder, "kustomization.yaml"), TestContext.Current.CancellationToken)));
        var files = Directory.EnumerateFiles(folder, "*.yaml").Select(file => Path.GetFileName(file)!).Where(file => file != "kustomization.yaml");
        Assert.Equal(files.Order(StringComparer.Ordinal), Texts(kustomization, "resources").Order(StringComparer.Ordinal));
        if (below.Length > 0)
        {
            Assert.Equal("Component", Text(kustomization, "kind"));
            return;
        }

        Assert.All(Texts(kustomization, "components"), component => Assert.True(File.Exists(Path.Combine(folder, component, "kustomization.yaml"))));
        var map = (YamlMappingNode)Assert.Single(((YamlSequenceNode)kustomization.Children["configMapGenerator"]).Children);
        Assert.All(Texts(map, "files"), file => Assert.True(File.Exists(Path.Combine(folder, file))));
        var parts = new List<object>();
        foreach (var file in Texts(kustomization, "resources"))
        {
            parts.AddRange(Parse(await RepositoryFiles.ReadAsync($"{Folder}/{file}")));
        }

        var deployment = parts.OfType<V1Deployment>().Single();
        var pod = deployment.Spec.Template.Spec;
        Assert.Equal(Text(map, "name"), pod.Volumes.Single(volume => volume.Name == "config").ConfigMap.Name);
        Assert.Equal(deployment.Metadata.Name, parts.OfType<V2HorizontalPodAutoscaler>().Single().Spec.ScaleTargetRef.Name);
        var image = (YamlMappingNode)Assert.Single(((YamlSequenceNode)kustomization.Children["images"]).Children);
        Assert.Equal(Text(image, "name"), Assert.Single(pod.Containers).Image);
    }

    [Fact]
    public async Task Rendered_PartsFindEachOther()
    {
        var (code, rendered) = await Tool.RunAsync("kubectl", "kubectl (1.27 or later; Debian's kubernetes-client is too old)", "", "kustomize", RepositoryFiles.PathOf(Folder));
        Assert.SkipWhen(code != 0, "kubectl is too old for this kustomization: 1.27 or later is needed.");

        var parts = Parse(rendered).ToList();
        var deployment = parts.OfType<V1Deployment>().Single();
        var labels = deployment.Spec.Template.Metadata.Labels;
        Assert.Equal(labels, deployment.Spec.Selector.MatchLabels);
        Assert.All(parts.OfType<V1Service>(), service => Assert.Equal(labels, service.Spec.Selector));
        Assert.Equal(labels, parts.OfType<V1NetworkPolicy>().Single().Spec.PodSelector.MatchLabels);
        Assert.Equal(labels, parts.OfType<V1PodDisruptionBudget>().Single().Spec.Selector.MatchLabels);
        Assert.Equal(deployment.Metadata.Name, parts.OfType<V2HorizontalPodAutoscaler>().Single().Spec.ScaleTargetRef.Name);

        var container = deployment.Spec.Template.Spec.Containers.Single();
        Assert.Equal("registry.example/pyproxy-gateway:0.1.0", container.Image);
        var ports = container.Ports.Select(port => port.Name).ToHashSet(StringComparer.Ordinal);
        Assert.All(parts.OfType<V1Service>().SelectMany(service => service.Spec.Ports), port => Assert.Contains(port.TargetPort.Value, ports));
        var configuration = parts.OfType<V1ConfigMap>().Single();
        Assert.Equal(configuration.Metadata.Name, deployment.Spec.Template.Spec.Volumes.Single(volume => volume.Name == "config").ConfigMap.Name);
        Assert.Equal(await RepositoryFiles.ReadAsync($"{Folder}/appsettings.json"), configuration.Data["appsettings.json"]);

        // The operator's kinds have no types here: by what its documentation says of them.
        var monitor = Documents(rendered).Single(part => Text(part, "kind") == "ServiceMonitor");
        Assert.Equal("admin", Text(Child(monitor, "spec", "selector", "matchLabels"), "app.kubernetes.io/component"));
        Assert.Contains(parts.OfType<V1Service>(), service => service.Metadata.Labels.TryGetValue("app.kubernetes.io/component", out var value) && value == "admin");
        Assert.Equal("pyproxy-gateway", labels[Text(Child(monitor, "spec"), "jobLabel")]);
        var rules = Documents(rendered).Single(part => Text(part, "kind") == "PrometheusRule");
        Assert.Equal("monitoring.coreos.com/v1", Text(rules, "apiVersion"));
        Assert.NotEmpty(((YamlSequenceNode)Child(rules, "spec").Children["groups"]).Children);
    }

    private static IEnumerable<object> Parse(string manifests) => Documents(manifests)
        .Where(part => !Text(part, "apiVersion").StartsWith("monitoring.coreos.com/", StringComparison.Ordinal))
        .Select(part => (Kind: Text(part, "kind"), Yaml: Write(part)))
        .Select(part => (object)(part.Kind switch
        {
            "ConfigMap" => KubernetesYaml.Deserialize<V1ConfigMap>(part.Yaml, strict: true),
            "Deployment" => KubernetesYaml.Deserialize<V1Deployment>(part.Yaml, strict: true),
            "Service" => KubernetesYaml.Deserialize<V1Service>(part.Yaml, strict: true),
            "HorizontalPodAutoscaler" => KubernetesYaml.Deserialize<V2HorizontalPodAutoscaler>(part.Yaml, strict: true),
            "PodDisruptionBudget" => KubernetesYaml.Deserialize<V1PodDisruptionBudget>(part.Yaml, strict: true),
            "NetworkPolicy" => KubernetesYaml.Deserialize<V1NetworkPolicy>(part.Yaml, strict: true),
            _ => throw new InvalidOperationException($"{part.Kind} is not expected."),
        }));

    private static List<YamlMappingNode> Documents(string manifests)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(manifests));
        return [.. stream.Documents.Select(document => (YamlMappingNode)document.RootNode)];
    }

    private static string Write(YamlMappingNode part)
    {
        using var writer = new StringWriter();
        new YamlStream(new YamlDocument(part)).Save(writer, assignAnchors: false);
        return writer.ToString();
    }

    private static YamlMappingNode Child(YamlMappingNode part, params string[] path)
        => path.Aggregate(part, static (node, key) => (YamlMappingNode)node.Children[key]);

    private static List<string> Texts(YamlMappingNode part, string key)
        => [.. ((YamlSequenceNode)part.Children[key]).Children.Select(static text => ((YamlScalarNode)text).Value!)];

    private static string Text(YamlMappingNode part, string key) => ((YamlScalarNode)part.Children[key]).Value!;
}
