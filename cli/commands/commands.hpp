#pragma once

namespace hearth::cli {

class Service;
struct Arguments;

/// One function for each command, each in a file of its own. They print results to stdout and return the exit
/// code 0, or another one where that is an answer; failures are thrown.
int run_help(const Arguments& arguments);
int run_version(const Arguments& arguments, Service& service);
int run_status(const Arguments& arguments, Service& service);
int run_list(const Arguments& arguments, Service& service);
int run_ps(const Arguments& arguments, Service& service);
int run_show(const Arguments& arguments, Service& service);
int run_pull(const Arguments& arguments, Service& service);
int run_quantize(const Arguments& arguments, Service& service);
int run_plan(const Arguments& arguments, Service& service);
int run_search(const Arguments& arguments, Service& service);
int run_rm(const Arguments& arguments, Service& service);
int run_load(const Arguments& arguments, Service& service);
int run_token(const Arguments& arguments, Service& service);
int run_stop(const Arguments& arguments, Service& service);
int run_devices(const Arguments& arguments, Service& service);
int run_config(const Arguments& arguments, Service& service);
int run_service(const Arguments& arguments, Service& service);
int run_backend(const Arguments& arguments, Service& service);
int run_doctor(const Arguments& arguments, Service& service);
int run_open(const Arguments& arguments, Service& service);
int run_use(const Arguments& arguments, Service& service);
int run_run(const Arguments& arguments, Service& service);

} // namespace hearth::cli
