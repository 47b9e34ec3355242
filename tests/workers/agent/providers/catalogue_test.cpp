#include "workers/agent/models_catalogue.h"

#include <gmock/gmock.h>

#include "workers/agent/models.h"
#include "workers/agent/models_table.h"

namespace agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ModelsTable : public testing::Test {
  protected:
    std::vector<std::string> candidates(const std::string& config,
                                        const std::string& agent = "main") {
        Models::Options options;
        options.config = Json::parse(config);
        options.keys = keys_;
        const Models models(*loop_, options);
        std::vector<std::string> names;
        for (const ModelName& name : models.candidates_for(agent)) names.push_back(name.full());
        return names;
    }

    std::unique_ptr<Loop> loop_ = make_epoll_loop();
    std::map<std::string, Secret> keys_;
};

TEST_F(ModelsTable, TakesTheDemonstrationOnlyWhenNothingIsSetUp) {
    EXPECT_THAT(candidates("{}"), ElementsAre("demo/demo"));
    keys_["groq"] = Secret("k");
    EXPECT_THAT(candidates("{}"), ElementsAre("groq/llama-3.3-70b-versatile"));
    keys_["anthropic"] = Secret("k");
    EXPECT_THAT(candidates("{}"), ElementsAre("anthropic/claude-opus-4-5"));
    keys_.clear();
    EXPECT_THAT(candidates(R"({"agents":{"defaults":{"model":{"primary":"openai/gpt-4o"}}}})"),
                ElementsAre("openai/gpt-4o"));
    EXPECT_THAT(candidates(R"({"models":{"providers":{"mine":{"baseUrl":"http://127.0.0.1:1/v1",
                               "models":[{"id":"m","name":"M"}]}}}})"),
                ElementsAre("mine/m"));
}

TEST_F(ModelsTable, TakesWhatTheOwnerSetAmongTheAllowedOnes) {
    const Json config = Json::parse(R"({"agents":{"defaults":{"models":{
        "anthropic/opus-4.5":{"params":{"temperature":0.2,"maxTokens":2000,"cacheControlTtl":"1h"}},
        "openai/gpt-4o":{"params":{"temperature":"hot","maxTokens":-1,"cacheControlTtl":"1d"}}}}}})");
    const Catalogue catalogue(config);
    const Result<Model> opus = catalogue.find({"anthropic", "claude-opus-4-5"});
    ASSERT_TRUE(opus);
    EXPECT_EQ(opus->temperature, 0.2);
    EXPECT_EQ(opus->asked_tokens, 2000);
    EXPECT_EQ(opus->cache_ttl, "1h");
    EXPECT_EQ(opus->price.cache_write, 10) << "twice the input's";
    const Result<Model> other = catalogue.find({"openai", "gpt-4o"});
    ASSERT_TRUE(other);
    EXPECT_FALSE(other->temperature);
    EXPECT_EQ(other->asked_tokens, 0);
    EXPECT_EQ(other->cache_ttl, "");
}

TEST_F(ModelsTable, FollowsTheConfiguredOrder) {
    const std::string config = R"({"agents":{
        "defaults":{"model":{"primary":"opus","fallbacks":["anthropic/claude-sonnet-4-5","mine"]},
                    "models":{"anthropic/claude-opus-4-5":{},"anthropic/claude-sonnet-4-5":{},
                              "openai/gpt-4o":{"alias":"Mine"}}},
        "list":[{"id":"main"},{"id":"fast","model":"haiku"},
                {"id":"alone","model":{"primary":"openai/gpt-4o","fallbacks":[]}}]}})";
    EXPECT_THAT(candidates(config), ElementsAre("anthropic/claude-opus-4-5",
                                                "anthropic/claude-sonnet-4-5", "openai/gpt-4o"));
    EXPECT_THAT(candidates(config, "fast"),
                ElementsAre("anthropic/claude-haiku-4-5", "anthropic/claude-sonnet-4-5",
                            "openai/gpt-4o", "anthropic/claude-opus-4-5"));
    EXPECT_THAT(candidates(config, "alone"),
                ElementsAre("openai/gpt-4o", "anthropic/claude-opus-4-5"));
}

TEST_F(ModelsTable, LeavesOutFallbacksThatAreNotAllowed) {
    EXPECT_THAT(candidates(R"({"agents":{"defaults":{
                    "model":{"primary":"openai/gpt-4o","fallbacks":["openai/o3","xai/grok-4"]},
                    "models":{"openai/gpt-4o":{},"x.ai/grok-4":{}}}}})"),
                ElementsAre("openai/gpt-4o", "xai/grok-4"));
}

TEST(ProviderTable, NamesTheServicesThatTakeDocuments) {
    for (const char* provider : {"openai", "openrouter", "mistral", "google", "groq", "ollama"})
        EXPECT_EQ(find_provider_row(provider)->compatibility.documents,
                  std::string_view(provider).starts_with("open"));
}

TEST(Catalogue, ReadsNames) {
    const Json config = Json::parse(
        R"({"agents":{"defaults":{"models":{"a/b":{"alias":"c"},"c":{"alias":"d"},"d":{"alias":"c"}}}}})");
    const Catalogue catalogue(config);
    EXPECT_EQ(catalogue.resolve("c"), (ModelName{"a", "b"}));
    EXPECT_EQ(catalogue.resolve("d"), (ModelName{"anthropic", "c"}));
    EXPECT_EQ(catalogue.resolve(" OpenAI/gpt-4o "), (ModelName{"openai", "gpt-4o"}));
    EXPECT_EQ(catalogue.resolve("openrouter/openai/gpt-5.2"),
              (ModelName{"openrouter", "openai/gpt-5.2"}));
    EXPECT_EQ(catalogue.resolve("anthropic/opus-4.5"), (ModelName{"anthropic", "claude-opus-4-5"}));
    for (const char* text : {"", " ", "/", "a/", "/b", "two words"})
        EXPECT_EQ(catalogue.resolve(text).provider, "") << text;
}

TEST(Catalogue, MergesConfigurationOverItsTable) {
    const Json config = Json::parse(R"({"models":{"providers":{
        "anthropic":{"baseUrl":"http://localhost:9/","models":[{"id":"claude-opus-4-5","name":"Mine",
            "cost":{"input":1},"contextWindow":1000,"maxTokens":500,"input":["text"]}]},
        "lab":{"baseUrl":"https://lab.example/v1","headers":{"x-team":"a"},
            "models":[{"id":"m1","name":"M1","api":"anthropic-messages","headers":{"x-more":"b"}}]},
        "cloud":{"baseUrl":"https://cloud.example","api":"bedrock-converse-stream","models":[]}}}})");
    const Catalogue catalogue(config);
    const Model own = *catalogue.find({"anthropic", "claude-opus-4-5"});
    EXPECT_EQ(own.base_url, "http://localhost:9");
    EXPECT_EQ(own.title, "Mine");
    EXPECT_EQ(own.price.input, 1);
    EXPECT_EQ(own.price.output, 25);
    EXPECT_EQ(own.context_window, 1000);
    EXPECT_EQ(own.max_tokens, 500);
    EXPECT_FALSE(own.images);
    EXPECT_FALSE(Catalogue::needs_key(own));
    const Model lab = *catalogue.find({"lab", "m1"});
    EXPECT_EQ(lab.api, Api::anthropic_messages);
    EXPECT_EQ(lab.headers.size(), 2u);
    EXPECT_TRUE(Catalogue::needs_key(lab));
    EXPECT_EQ(catalogue.find({"lab", "unlisted"})->api, Api::chat_completions);
    EXPECT_THAT(catalogue.find({"cloud", "m"}).error().what, HasSubstr("bedrock-converse-stream"));
    EXPECT_THAT(catalogue.find({"nobody", "m"}).error().what, HasSubstr("models.providers.nobody"));
}

TEST(Catalogue, ReplacesItsTableWhenAsked) {
    const Json config = Json::parse(R"({"models":{"mode":"replace","providers":{
        "lab":{"baseUrl":"https://lab.example/v1","models":[{"id":"m1","name":"M1"}]}}}})");
    const Catalogue catalogue(config);
    ASSERT_EQ(catalogue.all().size(), 1u);
    EXPECT_FALSE(catalogue.find({"anthropic", "claude-opus-4-5"}));
}

TEST(Catalogue, SurvivesAConfigurationOfOtherShapes) {
    for (const char* text :
         {"null", "7", "[]", R"({"models":7,"agents":[]})", R"({"models":{"providers":[1]}})",
          R"({"models":{"providers":{"a":7,"b":{"models":{"c":1}},"d":{"models":["x"]}}}})",
          R"({"agents":{"list":{"a":1},"defaults":{"model":7,"models":[]}}})"}) {
        const Json config = Json::parse(text);
        const Catalogue catalogue(config);
        EXPECT_GT(catalogue.all().size(), 10u) << text;
        EXPECT_TRUE(catalogue.configured_for("main").empty()) << text;
        (void)catalogue.find({"a", "b"});
    }
}

TEST(ModelTable, HasAProviderForEveryModelAndAnAliasForAKnownOne) {
    const Json config = Json::object();
    const Catalogue catalogue(config);
    for (const ModelRow& row : model_rows()) {
        const Result<Model> model =
            catalogue.find({std::string(row.provider), std::string(row.id)});
        ASSERT_TRUE(model) << row.id;
        EXPECT_TRUE(Catalogue::needs_key(*model)) << row.id;
        EXPECT_GE(model->context_window, 16'000) << row.id;
        EXPECT_LE(model->max_tokens, model->context_window) << row.id;
    }
    for (const AliasRow& row : alias_rows()) {
        const ModelName name = catalogue.resolve(std::string(row.alias));
        EXPECT_NE(find_model_row(name.provider, name.model), nullptr) << row.alias;
    }
    EXPECT_EQ(key_variable("google"), "GEMINI_API_KEY");
    EXPECT_EQ(key_variable("vercel-ai-gateway"), "AI_GATEWAY_API_KEY");
    EXPECT_EQ(key_variable("my-lab"), "MY_LAB_API_KEY");
}

TEST(ModelsList, HasTheFormOfTheMethod) {
    const auto loop = make_epoll_loop();
    Models::Options options;
    options.config = Json::parse(R"({"agents":{"defaults":{"models":{"openai/gpt-4o":{}}}}})");
    const Models models(*loop, options);
    EXPECT_EQ(models.list()["models"][0],
              Json::parse(R"({"id":"gpt-4o","name":"GPT-4o","provider":"openai",
                             "contextWindow":128000,"reasoning":false,"input":["text","image"]})"));
    EXPECT_EQ(models.list()["models"].size(), 2u);  // and the demonstration
    EXPECT_EQ(models.context_window({"openai", "gpt-4o"}), 128'000);
    EXPECT_EQ(models.context_window({"nobody", "x"}), 200'000);
}

}  // namespace
}  // namespace agent
