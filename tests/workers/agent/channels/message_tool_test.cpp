// Messages that a model sends by itself.

#include "workers/agent/message_tool.h"

#include <gmock/gmock.h>

#include "tests/workers/agent/channels/channel_process.h"

namespace agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Heard final : ToolListener {
    void tool_output(std::string_view) override {}
    void tool_ended(ToolOutcome outcome) override { outcomes.push_back(std::move(outcome)); }
    std::string text() const {
        return outcomes.empty() ? "" : text_member(outcomes.back().content[0], "text");
    }
    std::vector<ToolOutcome> outcomes;
};

class Messages : public ChannelMessages {
  protected:
    ChannelProcess& begin() {
        ChannelProcess& agent = start();
        tool = std::make_unique<MessageTool>(loop, *agent.life.store, agent.life.config,
                                             *agent.channels, directory.path());
        agent.come_up();
        return agent;
    }
    void call(const Json& arguments, const std::string& session = "agent:main:main",
              const std::string& id = "c1") {
        tool->run({"message", id, arguments, {"main", "p", "m", session}, "run"},
                  [this](ToolOutcome outcome) { heard.tool_ended(std::move(outcome)); });
        loop.settle();
    }

    // The turn under way has sent this with the tool, to where its answer goes as well.
    static void send_by_tool(ChannelProcess& agent, const std::string& text) {
        agent.life.models.last().ask_for(
            "", Json::array({{{"id", "c1"}, {"name", "message"}, {"arguments", Json::object()}}}));
        ToolOutcome outcome = tool_text("Done.");
        outcome.details =
            Json{{"channel", "telegram"}, {"to", "555"}, {"accountId", "default"}, {"text", text}};
        agent.life.tools.last().listener->tool_ended(outcome);
    }

    std::unique_ptr<MessageTool> tool;
    Heard heard;
};

}  // namespace

TEST_F(Messages, HaveASchemaThatCanBeRead) {
    const Result<Json> schema = parse_json(MessageTool::schema());
    ASSERT_TRUE(schema) << schema.error().what;
    EXPECT_TRUE(member_at(*schema, "properties.action").is_object());
}

TEST_F(Messages, GoToWhomTheyAreAddressed) {
    ChannelProcess& agent = begin();
    call({{"action", "send"},
          {"channel", "telegram"},
          {"target", "777"},
          {"message", "hello"},
          {"replyTo", "9"},
          {"silent", true}});
    ASSERT_EQ(agent.delivered().size(), 1u);
    const DeliverMessage sent = agent.delivered()[0];
    EXPECT_EQ(sent.place().chat_id(), "777");
    EXPECT_EQ(sent.text(), "hello");
    EXPECT_EQ(sent.reply_to_id(), "9");
    EXPECT_TRUE(sent.silent());
    EXPECT_THAT(heard.outcomes, IsEmpty()) << "it is known when the channel has said so";
    agent.report(sent.delivery_id(), DeliveryReport::SENT);
    EXPECT_EQ(heard.text(), "Done; the message's id is m0.");
    EXPECT_EQ(heard.outcomes[0].details["to"], "777");
}

TEST_F(Messages, GoToTheConversationWhereNobodyIsNamed) {
    ChannelProcess& agent = begin();
    agent.offer("1", "hi");
    agent.answer("hello");
    agent.report(agent.delivered()[0].delivery_id(), DeliveryReport::SENT);
    call({{"action", "send"}, {"message", "and more"}});
    EXPECT_THAT(agent.texts(), ElementsAre("hello", "and more"));
    EXPECT_EQ(agent.delivered()[1].place().chat_id(), "555");
}

TEST_F(Messages, AreSentOnceForOneCallAlsoByTheNextProcess) {
    begin();
    const Json arguments{
        {"action", "send"}, {"channel", "telegram"}, {"target", "777"}, {"message", "hello"}};
    call(arguments);
    call(arguments);
    ChannelProcess& next = begin();
    call(arguments);
    ASSERT_EQ(next.delivered().size(), 1u) << "the one that waited";
    next.report(next.delivered()[0].delivery_id(), DeliveryReport::SENT);
    EXPECT_EQ(heard.text(), "Done; the message's id is m0.");
    call(arguments);
    EXPECT_EQ(next.delivered().size(), 1u);
}

TEST_F(Messages, ThatTakeLongAreSaidToBeOnTheirWay) {
    begin();
    call({{"action", "send"}, {"channel", "telegram"}, {"target", "777"}, {"message", "hello"}});
    loop.advance(15'000);
    EXPECT_THAT(heard.text(), HasSubstr("on its way"));
}

TEST_F(Messages, ThatDoNotArriveAreSaidNotTo) {
    ChannelProcess& agent = begin();
    call({{"action", "send"}, {"channel", "telegram"}, {"target", "777"}, {"message", "hello"}});
    agent.report(agent.delivered()[0].delivery_id(), DeliveryReport::REFUSED, 0, 1, "blocked");
    EXPECT_EQ(heard.text(), "It was not delivered (refused): blocked");
    EXPECT_TRUE(heard.outcomes[0].is_error);
}

TEST_F(Messages, AreChangedDeletedAndMarked) {
    ChannelProcess& agent = begin();
    const Json there{{"channel", "telegram"}, {"target", "777"}, {"messageId", "5"}};
    Json arguments = there;
    arguments.update({{"action", "edit"}, {"message", "better"}});
    call(arguments, "agent:main:main", "a");
    ASSERT_TRUE(agent.told.back().has_change());
    EXPECT_EQ(agent.told.back().change().text(), "better");
    agent.report(agent.told.back().change().delivery_id(), DeliveryReport::SENT);
    arguments = there;
    arguments["action"] = "delete";
    call(arguments, "agent:main:main", "b");
    EXPECT_TRUE(agent.told.back().change().remove());
    arguments = there;
    arguments.update({{"action", "react"}, {"emoji", "👍"}});
    call(arguments);
    EXPECT_EQ(agent.told.back().reaction().emoji(), "👍");
    EXPECT_EQ(agent.told.back().reaction().message_id(), "5");
}

TEST_F(Messages, WithoutWhatTheyNeedAreRefused) {
    begin();
    const Json there{{"channel", "telegram"}, {"target", "777"}};
    for (const char* action : {"send", "edit", "delete", "react", "poll"}) {
        Json arguments = there;
        arguments["action"] = action;
        call(arguments);
        EXPECT_TRUE(heard.outcomes.back().is_error) << action;
    }
    call({{"action", "send"}, {"message", "x"}, {"channel", "pigeon"}, {"target", "1"}});
    EXPECT_THAT(heard.text(), HasSubstr("is not running here"));
    call({{"action", "send"}, {"message", "x"}, {"channel", "telegram"}, {"target", "no one"}});
    EXPECT_THAT(heard.text(), HasSubstr("no recipient"));
    call({{"action", "send"}, {"media", "../secret"}, {"channel", "telegram"}, {"target", "1"}});
    EXPECT_THAT(heard.text(), HasSubstr("workspace"));
}

TEST_F(Messages, AreNotCarriedFromOneChannelToAnother) {
    ChannelProcess& agent = begin();
    const SessionKey group{"main", "agent:main:discord:channel:300"};
    ASSERT_TRUE(agent.life.desk->change_session(group, {{"channel", "discord"}}));
    call({{"action", "send"}, {"channel", "telegram"}, {"target", "777"}, {"message", "x"}},
         group.key);
    EXPECT_THAT(heard.text(), HasSubstr("a conversation on discord sends nothing to telegram"));
    EXPECT_THAT(agent.texts(), IsEmpty());
}

TEST_F(Messages, ThatWereSentAreNotRepeatedAsTheAnswer) {
    ChannelProcess& agent = begin();
    agent.offer("1", "say hello");
    send_by_tool(agent, "hello");
    agent.answer("hello");
    EXPECT_THAT(agent.texts(), IsEmpty());
    agent.offer("2", "say it again");
    agent.answer("hello");
    EXPECT_THAT(agent.texts(), ElementsAre("hello"));
}

TEST_F(Messages, ThatWereSentAreNotRepeatedAsTheAnswerOfTheNextProcess) {
    ChannelProcess& agent = begin();
    agent.offer("1", "say hello");
    send_by_tool(agent, "hello");
    agent.answer("hello");
    agent.offer("2", "say goodbye");
    send_by_tool(agent, "goodbye");
    ChannelProcess& next = begin();
    ASSERT_EQ(next.life.models.calls.size(), 1u);
    next.answer("goodbye");
    EXPECT_THAT(next.texts(), IsEmpty());
    const auto turn = next.life.store->find_run("channel", "channel:telegram:2");
    ASSERT_TRUE(turn && *turn);
    EXPECT_EQ((*turn)->payload["sent"].size(), 1u) << "the other was another turn's";
}

}  // namespace agent
