#include "registry/db/database.hpp"

#include "base/atomic_file.hpp"
#include "registry/db/migrations.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"
#include "tests/registry/run_coroutine.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace hearth::registry {
namespace {

using testing::expect_error;
using testing::run_coroutine;

class ConnectionTest : public ::testing::Test {
  protected:
    testing::TemporaryDir dir_;
    std::filesystem::path file_ = dir_.path() / "index.db";

    static std::string pragma(Connection& connection, const char* name) {
        Statement query = connection.prepare(std::string("PRAGMA ") + name);
        query.step();
        return query.text(0);
    }
};

TEST_F(ConnectionTest, BringsANewFileToTheNewestSchema) {
    Connection connection(file_);
    EXPECT_EQ(pragma(connection, "user_version"), std::to_string(migrations().size()));
    EXPECT_EQ(pragma(connection, "journal_mode"), "wal");
    EXPECT_EQ(pragma(connection, "synchronous"), "2");
    EXPECT_EQ(pragma(connection, "foreign_keys"), "1");
    EXPECT_EQ(pragma(connection, "integrity_check"), "ok");
}

TEST_F(ConnectionTest, IsReadableByItsOwnerOnly) {
    Connection connection(file_);
    connection.execute("INSERT INTO blobs VALUES ('x', 1, 1)");
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path()))
        EXPECT_EQ(entry.status().permissions(), std::filesystem::perms{0600}) << entry.path();
}

TEST_F(ConnectionTest, OpensAgainWithoutMigratingTwice) {
    {
        Connection(file_).execute("INSERT INTO blobs VALUES ('x', 1, 1)");
    }
    Connection connection(file_);
    EXPECT_TRUE(connection.prepare("SELECT 1 FROM blobs").step());
}

TEST_F(ConnectionTest, RefusesAFileOfANewerHearth) {
    {
        Connection(file_).execute("PRAGMA user_version = 1000");
    }
    EXPECT_NE(expect_error(ErrorCode::store_failed, [&] { Connection again(file_); }).find("newer"),
              std::string::npos);
}

TEST_F(ConnectionTest, SaysThatAFileIsDamaged) {
    write_file_atomically(file_, std::string(8192, 'x'));
    expect_error(ErrorCode::store_failed, [&] { Connection connection(file_); });
}

TEST_F(ConnectionTest, FindsDamageInsideThePages) {
    {
        Connection connection(file_);
        connection.execute("PRAGMA journal_mode = DELETE");
        Transaction transaction(connection);
        for (int i = 0; i < 500; ++i)
            connection.execute(
                ("INSERT INTO blobs VALUES ('" + std::to_string(i) + std::string(64, 'x') + "', 1, 1)")
                    .c_str());
        transaction.commit();
    }
    std::string bytes = read_file(file_);
    bytes.replace(bytes.size() / 2, 4096, 4096, '\xee');
    write_file_atomically(file_, bytes);
    try {
        Connection connection(file_);
        FAIL() << "damage was not seen";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::store_failed);
        EXPECT_NE(error.hint().find("index.db"), std::string::npos);
    }
}

TEST_F(ConnectionTest, RollsBackWhatIsNotCommitted) {
    Connection connection(file_);
    {
        Transaction transaction(connection);
        connection.execute("INSERT INTO blobs VALUES ('x', 1, 1)");
    }
    EXPECT_FALSE(connection.prepare("SELECT 1 FROM blobs").step());
    Transaction transaction(connection);
    connection.execute("INSERT INTO blobs VALUES ('x', 1, 1)");
    transaction.commit();
    EXPECT_TRUE(connection.prepare("SELECT 1 FROM blobs").step());
}

TEST_F(ConnectionTest, EnforcesReferences) {
    Connection connection(file_);
    expect_error(ErrorCode::store_failed,
                 [&] { connection.execute("INSERT INTO manifest_blobs VALUES ('m', 0, 'b', 't')"); });
}

TEST_F(ConnectionTest, BindsWhatItIsGiven) {
    Connection connection(file_);
    Statement query = connection.prepare("SELECT ?, ?, ?");
    query.bind("it's; DROP TABLE models").bind(std::int64_t{-5}).bind_blob(std::string_view("a\0b", 3));
    ASSERT_TRUE(query.step());
    EXPECT_EQ(query.text(0), "it's; DROP TABLE models");
    EXPECT_EQ(query.integer(1), -5);
    EXPECT_EQ(query.blob(2), std::string("a\0b", 3));
    expect_error(ErrorCode::store_failed, [&] { connection.prepare("SELECT FROM"); });
    expect_error(ErrorCode::invalid_argument,
                 [&] { connection.prepare("SELECT ?").bind(~std::uint64_t{0}); });
}

TEST(Database, TouchesNothingBeforeItsFirstUse) {
    testing::TemporaryDir dir;
    Database database(dir.path() / "index.db");
    EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(Database, RunsClosuresOnAThreadOfItsOwn) {
    testing::TemporaryDir dir;
    Database database(dir.path() / "index.db");
    auto where = [](Connection&) { return std::this_thread::get_id(); };
    const auto first = run_coroutine(database.run(where));
    EXPECT_NE(first, std::this_thread::get_id());
    EXPECT_EQ(run_coroutine(database.run(where)), first);
}

TEST(Database, PassesOnWhatAClosureThrows) {
    testing::TemporaryDir dir;
    Database database(dir.path() / "index.db");
    auto fail = [](Connection&) -> int { throw Error(ErrorCode::busy, "no"); };
    expect_error(ErrorCode::busy, [&] { run_coroutine(database.run(fail)); });
}

TEST(Database, TriesAgainAfterItCouldNotBeOpened) {
    testing::TemporaryDir dir;
    Database database(dir.path() / "folder" / "index.db");
    auto nothing = [](Connection&) { return 1; };
    expect_error(ErrorCode::store_failed, [&] { run_coroutine(database.run(nothing)); });
    std::filesystem::create_directory(dir.path() / "folder");
    EXPECT_EQ(run_coroutine(database.run(nothing)), 1);
}

} // namespace
} // namespace hearth::registry
