using PyProxy.Gateway.State.Database;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Explain;

/// <summary>Who asks, of a question: looked up where users live, or as it is supposed.</summary>
internal sealed class AskedUser(UserStores stores)
{
    public async ValueTask<KnownUser?> FindAsync(Question question, List<string> notes, CancellationToken cancellationToken)
    {
        if (question.User is not { } name)
        {
            return question.Groups is null && question.Plan is null
                ? null
                : throw new QuestionException(nameof(Question.User), "is needed where groups or a plan are given.");
        }

        if (!UserName.IsValid(name))
        {
            throw new QuestionException(nameof(Question.User), $"\"{name}\" cannot be the name of a user.");
        }

        var found = await LookUpAsync(name, notes, cancellationToken);
        return question.Groups is null && question.Plan is null
            ? found?.Account ?? new KnownUser(name, [], plan: null)
            : new KnownUser(name, question.Groups ?? found?.Account.Groups ?? [], question.Plan ?? found?.Account.Plan) { EgressProfile = found?.Account.EgressProfile };
    }

    private async ValueTask<StoredUser?> LookUpAsync(string name, List<string> notes, CancellationToken cancellationToken)
    {
        try
        {
            var (found, _) = await stores.FindAsync(name, cancellationToken);
            switch (found)
            {
                case null:
                    notes.Add($"No store of Gateway:Users:Stores has a user {name}: the answer holds for a user that somebody else vouches for (a token), with the groups and the plan given here.");
                    break;
                case { Disabled: true }:
                    notes.Add($"The user {name} is disabled: its credentials are not accepted.");
                    break;
            }

            return found;
        }
        catch (DatabaseUnavailableException e)
        {
            notes.Add($"The user {name} could not be looked up: {e.Message}");
            return null;
        }
    }
}
