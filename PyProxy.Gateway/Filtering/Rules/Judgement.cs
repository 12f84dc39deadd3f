using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Rules;

/// <summary>What the rules decided about an exchange.</summary>
/// <param name="Action">Allow, Deny, Close, Redirect or Rewrite.</param>
/// <param name="Rule">The rule that decided; <see langword="null"/> for the default.</param>
/// <param name="Refusal">Why the exchange is refused; <see langword="null"/> where it is not.</param>
internal readonly record struct Judgement(FilterAction Action, Rule? Rule, ProxyError? Refusal)
{
    public static Judgement Allowed(Rule? rule) => new(FilterAction.Allow, rule, Refusal: null);
}
