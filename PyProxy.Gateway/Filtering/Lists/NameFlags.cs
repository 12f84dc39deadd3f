namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>What an entry says about its name.</summary>
[Flags]
internal enum NameFlags : byte
{
    None = 0,

    /// <summary>The name itself is listed.</summary>
    Self = 1,

    /// <summary>The names below it are listed.</summary>
    Below = 2,

    /// <summary>The name itself is taken out again.</summary>
    ExceptSelf = 4,

    /// <summary>The names below it are taken out again.</summary>
    ExceptBelow = 8,
}
