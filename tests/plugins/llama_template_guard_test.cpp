#include "plugins/llama/failure.hpp"
#include "plugins/llama/template_guard.hpp"

#include <gtest/gtest.h>

#include <string>

namespace hearth::llama {
namespace {

std::string times(int count, const std::string& text) {
    std::string all;
    for (int i = 0; i < count; ++i) {
        all += text;
    }
    return all;
}

void accept(const std::string& source) {
    EXPECT_NO_THROW(check_chat_template(source, HEARTH_E_FORMAT)) << source.substr(0, 100);
}

void refuse(const std::string& source) {
    EXPECT_THROW(check_chat_template(source, HEARTH_E_FORMAT), Failure) << source.substr(0, 100);
}

TEST(TemplateGuard, AcceptsOrdinaryTemplates) {
    accept("");
    accept("{% for m in messages %}{{ m['role'] + ': ' + m.content }}{% endfor %}");
    accept("{%- if a %}x{%- elif b %}y{%- else %}z{%- endif %}{# a {% comment #}");
    accept("{{ '" + std::string(20000, '(') + "' }}");
    accept(times(1000, "{% if a %}x{% endif %}"));
    accept(times(1000, "{% set a = 1 %}"));
    accept("{{ {'a': {'b': 1}} }} text }} { } {");
}

TEST(TemplateGuard, RefusesDeepBrackets) {
    refuse("{{ " + times(300, "(") + "1" + times(300, ")") + " }}");
    refuse("{% if " + times(300, "[") + " %}");
}

TEST(TemplateGuard, RefusesDeepBlocks) {
    refuse(times(300, "{% if a %}"));
    refuse(times(300, "{%- set a %}"));
    refuse(times(300, "{% if a %}{% set b %}{% endset %}"));
    refuse("{% if a %}" + times(300, "{% elif b %}x") + "{% endif %}");
}

TEST(TemplateGuard, RefusesLongChains) {
    refuse("{{ " + times(3000, "not ") + "a }}");
    refuse("{{ a" + times(3000, " ~ a") + " }}");
    refuse("{{ a" + times(3000, "|trim") + " }}");
}

TEST(TemplateGuard, RefusesMoreThanOneMebibyte) {
    refuse(std::string((1 << 20) + 1, 'x'));
}

TEST(TemplateGuard, EndsOnUnfinishedTags) {
    accept("{{ 'abc");
    accept("{% if");
    accept("{#");
    accept("{{ \"a\\");
}

} // namespace
} // namespace hearth::llama
