# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Which unit tests are linked with which fakes. A fake's symbols come before those of the library they stand in for.
#     $(call with-fakes,TEST,FAKE...)      TEST is folder/test_name below tests/unit

# The fake xenstored is three files.
FAKE_OBJ = $(patsubst %,$(O)/obj/tests/fakes/%.o,$(if $(filter xenstore,$(1)),xenstore xenstore-tree xenstore-socket,$(1)))
# What several tests of a folder share: $(call with-parts,TEST,PART...), PART is folder/name below tests/unit.
with-parts = $(eval TEST_OBJS_$(subst /,_,$(1)) += $(patsubst %,$(O)/obj/tests/unit/%.o,$(2)))$\
             $(eval $(O)/tests/unit/$(1): $(patsubst %,$(O)/obj/tests/unit/%.o,$(2)))

with-fakes = $(eval TEST_OBJS_$(subst /,_,$(1)) += $(foreach f,$(2),$(call FAKE_OBJ,$(f))))$\
             $(eval $(O)/tests/unit/$(1): $(foreach f,$(2),$(call FAKE_OBJ,$(f))))

FAKE_CLOCK_WRAP := -Wl,--wrap=uv_now,--wrap=uv_hrtime,--wrap=uv_timer_start,--wrap=uv_timer_stop,--wrap=uv_run,--wrap=uv_stop

$(call with-fakes,xenstore/test_store,fault xenstore)
$(call with-fakes,xenstore/test_watch,fault xenstore)
$(call with-fakes,xenstore/test_batch,fault xenstore)
$(call with-fakes,balloon/test_target,fault xenstore xenctrl ctx)
$(call with-fakes,balloon/test_max,fault xenstore xenctrl ctx)
$(call with-fakes,balloon/test_info,fault xenstore xenctrl ctx)
$(call with-fakes,balloon/test_offset,fault xenstore xenctrl ctx)
$(call with-fakes,balloon/test_settle,fault xenstore xenctrl ctx clock)
$(call with-fakes,balloon/test_guest_reports,fault xenstore xenctrl ctx clock)
TEST_LIBS_balloon_test_guest_reports := $(FAKE_CLOCK_WRAP)
$(call with-parts,balloon/test_settle,balloon/guest)
$(call with-fakes,memd-client/test_compact,fault xenstore xenctrl ctx clock)
TEST_LIBS_memd-client_test_compact := $(FAKE_CLOCK_WRAP) -Wl,--wrap=memd_connect,--wrap=memd_disconnect,--wrap=memd_call
$(call with-parts,memd-client/test_compact,balloon/guest)
$(call with-fakes,core/test_ao,fault xenstore xenctrl ctx clock)
$(call with-fakes,core/test_domain,fault xenstore xenctrl ctx)
$(call with-fakes,monitor/test_monitor,clock)
TEST_LIBS_monitor_test_monitor := $(FAKE_CLOCK_WRAP)
$(call with-fakes,qmp/test_machine,fault xenstore xenctrl ctx clock)
$(call with-fakes,qmp/test_machine_follow,fault xenstore xenctrl ctx clock)
$(call with-fakes,qmp/test_machine_stats,fault xenstore xenctrl ctx clock)
$(foreach t,machine machine_follow machine_stats,$(call with-parts,qmp/test_$(t),qmp/machine))
$(call with-fakes,stubdom/test_bridge,fault xenstore grants bridge-sides)
$(call with-fakes,stubdom/test_store,fault xenstore)
$(call with-fakes,stubdom/test_bridge_save,fault xenstore grants bridge-sides)
$(call with-fakes,stubdom-launch/test_leftovers,fault xenstore xenctrl ctx)
$(call with-fakes,stubdom-launch/test_life,fault xenstore xenctrl ctx clock)
TEST_LIBS_stubdom-launch_test_life := $(FAKE_CLOCK_WRAP)
$(call with-fakes,stubdom-launch/test_saved_file,fault xenstore xenctrl ctx)
$(call with-fakes,stubdom-launch/test_memory_lock,fault xenstore xenctrl ctx)
TEST_LIBS_stubdom-launch_test_memory_lock := -Wl,--wrap=autoballoon_is_on,--wrap=xlx_mem_target_set,--wrap=xlx_mem_settle,--wrap=xl_lock_path,--wrap=memd_connect,--wrap=memd_disconnect,--wrap=memd_call,--wrap=memd_ask,--wrap=memd_send,--wrap=memd_event
$(call with-fakes,stubdom-launch/test_consoles,fault xenstore xenctrl ctx)
$(call with-fakes,stubdom-launch/test_create,fault xenstore xenctrl ctx)
$(call with-fakes,core/test_stubdom_state,fault xenstore xenctrl ctx)
$(call with-fakes,core/test_libxl_op,fault xenstore xenctrl ctx)
$(call with-fakes,core/test_subprocess,fault xenstore xenctrl ctx)
$(call with-fakes,migrate/test_other,fault xenstore xenctrl ctx)
$(call with-fakes,migrate/test_wake,fault xenstore xenctrl ctx clock)
TEST_LIBS_migrate_test_wake := $(FAKE_CLOCK_WRAP) -Wl,--wrap=xl_run
$(foreach t,tracker monitors,$(call with-fakes,memd/test_$(t),fault xenstore xenctrl ctx clock))
$(call with-fakes,memd/test_lock,fault xenstore xenctrl ctx)
$(call with-fakes,memd/test_notify,fault xenstore xenctrl ctx clock)
$(call with-fakes,balance/test_xen_target,fault xenstore xenctrl ctx)
$(call with-fakes,balance/test_xen_domain,fault xenstore xenctrl ctx virq)
$(call with-fakes,balance/test_ranges,fault xenstore xenctrl ctx)
$(call with-fakes,balance/test_control_schema,fault xenstore xenctrl ctx)
$(call with-fakes,balance/test_metrics,fault xenstore xenctrl ctx)
$(call with-fakes,balance/test_service,fault xenstore xenctrl ctx)
$(call with-fakes,balance/test_service_reserve,fault xenstore xenctrl ctx)
$(call with-fakes,balance/test_service_starts,fault xenstore xenctrl ctx)
$(call with-fakes,balance/test_service_saves,fault xenstore xenctrl ctx)
$(foreach t,balancer reserve,$(call with-parts,balance/test_$(t),balance/host-of-few)$(call with-fakes,balance/test_$(t),host))
$(foreach t,closed lend,$(call with-parts,balance/test_$(t),balance/two-guests)$(call with-fakes,balance/test_$(t),host))
$(foreach t,top top_keys,$(call with-parts,balance/test_$(t),balance/top-view))
$(call with-fakes,balance/test_build_undo,fault xenstore xenctrl ctx)
$(call with-fakes,balance/test_top_pace,fault xenstore xenctrl ctx clock capture)
TEST_LIBS_balance_test_top_pace := $(FAKE_CLOCK_WRAP) -Wl,--wrap=memd_connect,--wrap=memd_disconnect,--wrap=memd_call,--wrap=memd_event
$(call with-fakes,balance/test_service_host,fault xenstore xenctrl ctx talk host)
$(call with-fakes,balance/test_turns,host)
$(call with-fakes,monitor/test_connection,fault xenstore xenctrl ctx)
$(call with-fakes,balance/test_service_stop,fault xenstore xenctrl ctx talk)
$(call with-fakes,balance/test_service_faults,fault xenstore xenctrl ctx talk clock)
TEST_LIBS_balance_test_service_faults := $(FAKE_CLOCK_WRAP) -Wl,--wrap=ev_clock_ms
$(call with-fakes,memd/test_end,fault xenstore xenctrl ctx talk clock)
TEST_LIBS_memd_test_end := $(FAKE_CLOCK_WRAP) -Wl,--wrap=ev_clock_ms
$(foreach t,commands control_schema metrics service service_faults service_reserve service_saves service_starts service_stop,$(call with-parts,balance/test_$(t),balance/service))
TEST_LIBS_core_test_ao := $(FAKE_CLOCK_WRAP)
$(call with-fakes,core/test_sampler,fault xenstore xenctrl ctx clock)
TEST_LIBS_core_test_sampler := $(FAKE_CLOCK_WRAP)
TEST_LIBS_balloon_test_settle := $(FAKE_CLOCK_WRAP)
TEST_LIBS_qmp_test_machine := $(FAKE_CLOCK_WRAP)
TEST_LIBS_qmp_test_machine_follow := $(FAKE_CLOCK_WRAP)
TEST_LIBS_qmp_test_machine_stats := $(FAKE_CLOCK_WRAP)
TEST_LIBS_memd_test_tracker := $(FAKE_CLOCK_WRAP) -Wl,--wrap=ev_clock_ms
TEST_LIBS_memd_test_monitors := $(FAKE_CLOCK_WRAP)
TEST_LIBS_memd_test_notify := $(FAKE_CLOCK_WRAP)

$(call with-fakes,xl-ext/test_options,capture)
$(call with-fakes,xl-ext/test_ui,capture)

# Commands as the tool runs them.
$(call with-fakes,memory/test_commands,fault xenstore xenctrl ctx clock capture tool)
TEST_LIBS_memory_test_commands := $(FAKE_CLOCK_WRAP)
$(call with-fakes,migrate/test_checks,fault xenstore xenctrl ctx capture)
$(call with-fakes,vcpu/test_commands,fault xenstore xenctrl ctx capture tool vcpus)
$(call with-fakes,stubdom-launch/test_commands,fault xenstore xenctrl ctx capture tool)
TEST_LIBS_stubdom-launch_test_commands := -Wl,--wrap=stubdom_log_path
$(call with-fakes,balance/test_commands,fault xenstore xenctrl ctx capture tool)

# Parts of the tool, which no library holds.
TOOL_PARTS := $(filter-out $(O)/obj/xl-ext/main.o,$(TOOL_OBJS))
TEST_OBJS_xl-ext_test_options += $(TOOL_PARTS)
TEST_OBJS_xl-ext_test_ui += $(TOOL_PARTS)
TEST_OBJS_xl-ext_test_tables += $(TOOL_PARTS)
TEST_OBJS_xl-ext_test_library += $(TOOL_PARTS)
TEST_OBJS_memory_test_commands += $(TOOL_PARTS)
TEST_OBJS_balance_test_commands += $(TOOL_PARTS)
TEST_OBJS_stubdom-launch_test_commands += $(TOOL_PARTS)
TEST_OBJS_vcpu_test_commands += $(TOOL_PARTS)
TEST_OBJS_migrate_test_checks += $(TOOL_PARTS)
$(patsubst %,$(O)/tests/unit/xl-ext/test_%,options ui tables library) $(O)/tests/unit/memory/test_commands $(O)/tests/unit/balance/test_commands $(O)/tests/unit/migrate/test_checks $(O)/tests/unit/vcpu/test_commands $(O)/tests/unit/stubdom-launch/test_commands: $(TOOL_PARTS)

-include $(patsubst %.c,$(O)/obj/%.d,$(wildcard tests/fakes/*.c))
