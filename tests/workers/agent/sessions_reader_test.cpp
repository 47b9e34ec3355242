// The stock index, read an entry at a time.

#include "workers/agent/sessions_reader.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/workers/agent/support.h"

namespace agent {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Reader : public testing::Test {
  protected:
    Result<std::vector<IndexEntry>> entries_of(const std::string& text) {
        write_text(path(), text);
        const Result<SessionsReader> reader = SessionsReader::open(path());
        return reader ? reader->entries() : reader.error();
    }
    std::string path() const { return directory_ / "sessions.json"; }

  private:
    TemporaryDirectory directory_;
};

}  // namespace

// Whatever is wrong with it, and wherever: nothing of it is taken in.
TEST_F(Reader, RefusesWhatIsNotOneWholeObject) {
    for (const char* text : {"", "[]", "null", "{", "{\"a", "{\"a\\", "{\"a\" 1}", "{]", "{,}"})
        EXPECT_FALSE(entries_of(text)) << text;
    const std::string good = R"({"agent:main:a":{"sessionId":"a","updatedAt":20})";
    for (const char* rest :
         {",", ",}", ",\"b\":}", ",\"b\"}", ",\"b\":{\"x\":[}}}", ",\"b\":{]}", ",\"b\":1 2}", "}x",
          "}{}", ",3:{}}", ",\"b\":\"}", ",\"b\":{\"x\":}}"}) {
        const auto read = entries_of(good + rest);
        ASSERT_FALSE(read) << rest;
        EXPECT_THAT(read.error().what, HasSubstr(path() + ": "));
    }
    for (size_t size = 0; size <= good.size(); ++size)
        EXPECT_FALSE(entries_of(good.substr(0, size))) << size;
    EXPECT_TRUE(entries_of(good + "}"));
}

TEST_F(Reader, FindsEachEntryWhateverItsTextsHold) {
    const std::string long_text(700'000, 'x');  // over several reads
    const auto read =
        entries_of("\xef\xbb\xbf \n{ \"a\" : {\"updatedAt\":7},\t\"a number\":1,\r\n" +
                   std::string(R"("b,}\"{[" : {"label":"]},{\\"} ,)") + R"("long":{"label":")" +
                   long_text + R"("},"last":{"list":[{"x":[1,"]"]},{}]}} )" + "\n");
    ASSERT_TRUE(read) << read.error().what;
    std::vector<std::string> keys;
    for (const IndexEntry& entry : *read) keys.push_back(entry.key);
    EXPECT_THAT(keys, ElementsAre("a", "b,}\"{[", "long", "last"));
    EXPECT_EQ(read->at(0).updated_at, 7);
    const Result<SessionsReader> reader = SessionsReader::open(path());
    EXPECT_EQ((*reader->entry(read->at(1)))["label"], "]},{\\");
    EXPECT_EQ((*reader->entry(read->at(2)))["label"], long_text);
    EXPECT_EQ((*reader->entry(read->at(3)))["list"][0]["x"][1], "]");
    write_text(path(), "{}");  // into the file that is open
    const Result<Json> gone = reader->entry(read->at(3));
    ASSERT_FALSE(gone);
    EXPECT_THAT(gone.error().what, HasSubstr("was written to while it was read"));
}

TEST_F(Reader, HasNothingWithoutAFileAndWaitsForNoPipe) {
    EXPECT_TRUE(SessionsReader::open(path())->entries()->empty());
    ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
    EXPECT_FALSE(SessionsReader::open(path()));
}

}  // namespace agent
