using PyProxy.Gateway.Limits.Overload.Machine;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Limits.Overload;

public sealed class OpenDescriptorsTests
{
    /// <summary>Other tests open and close descriptors meanwhile, so it is asked until both ways agree.</summary>
    [Fact]
    public Task WhatTheKernelSays_IsWhatThereAre()
        => Poll.UntilAsync(static () => ValueTask.FromResult(OpenDescriptors.Ask() == OpenDescriptors.Count() || OpenDescriptors.Ask() == 0));
}
