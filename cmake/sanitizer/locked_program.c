/* Linked into programs that lock themselves, in address-sanitizer builds only. LeakSanitizer stops the world through ptrace, which
 * the lock denies: it would end the program with an error of its own. Leaks are looked for in the unlocked unit tests. */
const char* __asan_default_options(void);

const char* __asan_default_options(void) {
    return "detect_leaks=0";
}
