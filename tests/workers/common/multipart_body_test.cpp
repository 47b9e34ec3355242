#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "workers/common/https_client.h"

namespace {

TEST(MultipartBody, HasFieldsAndFilesInOrder) {
    const std::string path = testing::TempDir() + "multipart_body_test." + std::to_string(getpid());
    std::ofstream(path) << "the file";
    MultipartBody body;
    body.add_field("payload_json", "{}", "application/json");
    ASSERT_TRUE(body.add_file("files[0]", "a\"b.txt", "text/plain", path));
    const std::string type = body.content_type();
    const std::string boundary = "--" + type.substr(type.find("boundary=") + 9);
    const std::vector<BodyPiece> pieces = body.finish();
    std::string text;
    for (const BodyPiece& piece : pieces) text += piece.file.empty() ? piece.bytes : "<file>";
    EXPECT_EQ(
        text,
        boundary +
            "\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n"
            "Content-Type: application/json\r\n\r\n{}\r\n" +
            boundary +
            "\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a%22b.txt\"\r\n"
            "Content-Type: text/plain\r\n\r\n<file>\r\n" +
            boundary + "--\r\n");
    EXPECT_EQ(pieces.at(2).size, 8u);
    unlink(path.c_str());
}

TEST(MultipartBody, NamesAFileThatIsMissing) {
    MultipartBody body;
    const Done done = body.add_file("f", "f", "text/plain", "/nowhere/f");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().fault, Fault::no_storage);
}

}  // namespace
