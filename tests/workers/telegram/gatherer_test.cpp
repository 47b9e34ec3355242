#include "workers/telegram/gatherer.h"

#include <gmock/gmock.h>

namespace telegram {

namespace {

using testing::ElementsAre;

class GathererTest : public testing::Test {
  protected:
    GathererTest()
        : loop(make_epoll_loop()), gatherer(*loop, [this](Gathered gathered) {
              got.push_back(std::move(gathered));
              if (got.size() == wanted) loop->stop(0);
          }) {}

    static Message message(int id, const std::string& text, const std::string& album = {}) {
        Message made;
        made.id = std::to_string(id);
        made.chat.id = "5";
        made.from.id = "5";
        made.text = text;
        made.media_group_id = album;
        if (!album.empty()) made.files.push_back({"image", "f" + made.id, "", "", 0});
        return made;
    }
    void until(size_t count) {
        wanted = count;
        if (got.size() < count) loop->run();
    }

    std::unique_ptr<Loop> loop;
    Gatherer gatherer;
    std::vector<Gathered> got;
    size_t wanted = 0;
};

}  // namespace

TEST_F(GathererTest, HandsAnOrdinaryMessageOverAtOnce) {
    gatherer.take(1, message(1, "hello"));
    ASSERT_EQ(got.size(), 1u);
    EXPECT_THAT(got[0].updates, ElementsAre(1));
}

TEST_F(GathererTest, AnAlbumComesAsOne) {
    gatherer.take(1, message(1, "", "g"));
    gatherer.take(2, message(2, "both", "g"));
    gatherer.take(3, message(3, "next"));
    EXPECT_EQ(got.size(), 2u) << "what comes after it does not overtake it";
    EXPECT_EQ(got[0].message.files.size(), 2u);
    EXPECT_EQ(got[0].message.text, "both");
    EXPECT_EQ(got[0].message.id, "1");
    EXPECT_THAT(got[0].updates, ElementsAre(1, 2));
    gatherer.take(4, message(4, "", "h"));
    until(3);
    EXPECT_THAT(got[2].updates, ElementsAre(4));
}

TEST_F(GathererTest, ALongTextComesAsOne) {
    gatherer.take(1, message(1, std::string(4000, 'a')));
    gatherer.take(2, message(2, "b"));
    gatherer.take(4, message(4, "not the next"));
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(got[0].message.text, std::string(4000, 'a') + "b");
    EXPECT_THAT(got[0].updates, ElementsAre(1, 2));
    EXPECT_EQ(got[1].message.text, "not the next");
}

TEST_F(GathererTest, WhatIsSaidAboutAMessageComesAfterIt) {
    std::vector<size_t> handed_over;
    const auto note = [&] { handed_over.push_back(got.size()); };
    gatherer.after(message(1, "corrected"), note);
    EXPECT_THAT(handed_over, ElementsAre(0)) << "at once where nothing is being gathered";
    gatherer.take(1, message(1, std::string(4000, 'a')));
    gatherer.after(message(1, "corrected"), note);
    EXPECT_EQ(handed_over.size(), 1u);
    gatherer.take(2, message(2, "b"));
    EXPECT_TRUE(got.empty()) << "it divides nothing";
    until(1);
    EXPECT_THAT(handed_over, ElementsAre(0, 1));
    EXPECT_THAT(got[0].updates, ElementsAre(1, 2));
}

TEST_F(GathererTest, MovesTheEntitiesOfJoinedTexts) {
    Message second = message(2, "@bot");
    second.entities.push_back({"mention", 0, 4, "", ""});
    gatherer.take(1, message(1, std::string(4000, 'a')));
    gatherer.take(2, std::move(second));
    until(1);
    const Entity& entity = got[0].message.entities.at(0);
    EXPECT_EQ(got[0].message.text.substr(entity.begin, entity.end - entity.begin), "@bot");
}

TEST_F(GathererTest, GathersEachWriterForItself) {
    Message other = message(2, "from another");
    other.from.id = "6";
    gatherer.take(1, message(1, "", "g"));
    gatherer.take(2, std::move(other));
    EXPECT_EQ(got.size(), 1u);
    until(2);
}

}  // namespace telegram
