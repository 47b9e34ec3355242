// When a group is answered: chosen there, kept with the session, told to the channel.

#include "workers/agent/channels/activations.h"

#include <gmock/gmock.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/workers/agent/channels/channel_process.h"
#include "workers/agent/commands.h"

namespace agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class GroupActivation : public ChannelMessages {
  protected:
    void in_group(const std::string& text, const std::string& topic = "", bool may_command = true) {
        ChannelToAgent message;
        auto& inbound = *message.mutable_inbound();
        inbound.set_key("g" + std::to_string(++count));
        inbound.set_message_id(inbound.key());
        inbound.mutable_place()->set_kind(Place::GROUP);
        inbound.mutable_place()->set_chat_id("-1001");
        inbound.mutable_place()->set_thread_id(topic);
        inbound.mutable_sender()->set_id("555");
        inbound.set_text(text);
        inbound.set_may_command(may_command);
        process->say(message);
    }
    static std::vector<std::string> groups_in(const AgentToChannel& message) {
        std::vector<std::string> groups;
        for (const auto& group : message.activations().groups())
            groups.push_back(group.chat_id() + "/" + group.thread_id() +
                             (group.needs_mention() ? " mention" : " always"));
        return groups;
    }
    // As the channel was last told; how often that was is in `told_times`.
    std::vector<std::string> known() {
        std::vector<std::string> groups;
        told_times = 0;
        for (const AgentToChannel& message : process->told) {
            if (!message.has_activations()) continue;
            ++told_times;
            groups = groups_in(message);
        }
        return groups;
    }
    size_t place_of_first(const auto& is_it) const {
        const auto& told = process->told;
        return static_cast<size_t>(std::find_if(told.begin(), told.end(), is_it) - told.begin());
    }

    int count = 0;
    int told_times = 0;
};

TEST_F(GroupActivation, IsToldToTheChannelAndOutlivesTheProcess) {
    start().come_up();
    EXPECT_THAT(known(), IsEmpty());
    in_group("/activation always");
    EXPECT_THAT(process->texts(), ElementsAre("⚙️ Group activation set to always."));
    EXPECT_THAT(known(), ElementsAre("-1001/ always"));
    EXPECT_EQ(told_times, 2);
    in_group("hello");
    process->answer("Hi");
    known();
    EXPECT_EQ(told_times, 2) << "nothing new";

    start().come_up();
    EXPECT_THAT(known(), ElementsAre("-1001/ always"));
    EXPECT_LT(place_of_first([](const auto& message) { return message.has_activations(); }),
              place_of_first([](const auto& message) { return message.has_allow_list(); }))
        << "with the list the channel begins to judge";
    in_group("/new");
    EXPECT_THAT(known(), ElementsAre("-1001/ always"));
    in_group("/activation mention");
    EXPECT_THAT(known(), ElementsAre("-1001/ mention"));
    in_group("/activation inherit");
    EXPECT_THAT(known(), IsEmpty());
}

TEST_F(GroupActivation, IsForGroupsAndForThoseWhoMayCommand) {
    start().come_up();
    process->offer("1", "/activation always");
    EXPECT_THAT(process->texts().back(), HasSubstr("only applies to group chats"));
    in_group("/activation sometimes");
    EXPECT_THAT(process->texts().back(), HasSubstr("Usage: /activation mention|always|inherit"));
    const size_t answers = process->texts().size();
    in_group("/activation always", "", false);
    EXPECT_EQ(process->texts().size(), answers) << "strangers are not answered";
    EXPECT_THAT(known(), IsEmpty());
}

TEST_F(GroupActivation, OfATopicIsItsOwn) {
    start().come_up();
    in_group("/activation always", "42");
    in_group("/activation mention");
    EXPECT_THAT(known(), testing::UnorderedElementsAre("-1001/42 always", "-1001/ mention"));
    for (const auto& answer : process->delivered())
        process->report(answer.delivery_id(), DeliveryReport::SENT);
    in_group("/status", "42");
    EXPECT_THAT(process->texts().back(), HasSubstr("👥 Activation: always"));
}

TEST_F(GroupActivation, ByAClientOrAStockToolIsToldAsWell) {
    start().come_up();
    const SessionKey key{"main", "agent:main:telegram:group:-1001"};
    ASSERT_TRUE(process->life.store->save(
        {key, {{"sessionId", "s"}, {"updatedAt", 1}, {"groupActivation", "always"}}}));
    loop.settle();
    EXPECT_THAT(known(), ElementsAre("-1001/ always"));
    loop.advance(5'000);  // it is in sessions.json now
    const std::string file = directory.path() + "/agents/main/sessions/sessions.json";
    std::ofstream(file) << R"({"agent:main:telegram:group:-1001": {"sessionId": "s",
        "updatedAt": 2, "groupActivation": "mention", "note": "longer than it was before"}})";
    process->life.store->look();
    loop.settle();
    EXPECT_THAT(known(), ElementsAre("-1001/ mention"));
    ASSERT_TRUE(process->life.store->remove(key));
    loop.settle();
    EXPECT_THAT(known(), IsEmpty());
}

TEST_F(GroupActivation, ReachesTheAccountsThatLeadToItsSession) {
    start(Json::parse(R"({"agents": {"list": [{"id": "main", "default": true}, {"id": "ops"}]},
        "bindings": [{"agentId": "ops", "match": {"channel": "telegram", "accountId": "ops"}}]})"))
        .come_up();
    std::vector<std::string> ops{"not told"};
    process->channels->add({"telegram", "ops"}, [&](const AgentToChannel& message) -> Done {
        if (message.has_activations()) ops = groups_in(message);
        return {};
    });
    in_group("/activation always");
    EXPECT_THAT(known(), ElementsAre("-1001/ always"));
    EXPECT_THAT(ops, IsEmpty());
}

TEST_F(GroupActivation, IsFoundByAnIndex) {
    start();
    SQLite::Database file(directory.path() + "/hardshell/agent/state.sqlite",
                          SQLite::OPEN_READONLY);
    SQLite::Statement plan(file,
                           "EXPLAIN QUERY PLAN SELECT agent, key, entry FROM sessions "
                           "WHERE instr(entry, '\"groupActivation\"') > 0");
    ASSERT_TRUE(plan.executeStep());
    EXPECT_THAT(plan.getColumn(3).getString(), HasSubstr("sessions_with_activation"));
}

}  // namespace
}  // namespace agent
