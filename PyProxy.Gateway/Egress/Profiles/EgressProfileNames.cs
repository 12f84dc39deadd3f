namespace PyProxy.Gateway.Egress.Profiles;

/// <summary>Which egress profiles a user may have: one that does not exist would stop everything that the user asks for.</summary>
internal static class EgressProfileNames
{
    private const string Section = EgressOptions.ProfilesSetting;

    /// <returns>What is wrong with the profile's name; <see langword="null"/> where nothing is, or where none is named.</returns>
    public static string? Mistake(IConfiguration configuration, string? profile)
    {
        if (string.IsNullOrEmpty(profile) || EgressSnapshot.DirectName.Equals(profile, StringComparison.OrdinalIgnoreCase)
            || configuration.GetSection($"{Section}:{profile}").Exists())
        {
            return null;
        }

        var known = configuration.GetSection(Section).GetChildren().Select(static p => p.Key).ToList();
        return $"there is no egress profile '{profile}'; {Section} defines{(known.Count == 0 ? " none" : $": {string.Join(", ", known)}")}";
    }
}
