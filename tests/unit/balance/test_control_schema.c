/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What memd's control socket answers, held against what its schema tells. */
#include "tests/unit/balance/service.h"

static const struct json *entry_of(const struct json *schema, const char *type)
{
    const char *name;

    for (size_t i = 0; i < schema->list.count; i++) {
        if (json_member_string(schema->list.items[i], "name", &name) && !strcmp(name, type))
            return schema->list.items[i];
    }
    return NULL;
}

static bool is_of_type(const struct json *schema, const char *type, const struct json *value);

static bool has_no_other_member(const struct json *members, const struct json *value)
{
    for (size_t i = 0; i < value->list.count; i++) {
        const char *name = NULL;
        size_t m = 0;

        while (m < members->list.count && json_member_string(members->list.items[m], "name", &name) &&
               strcmp(name, value->list.items[i]->key))
            m++;
        if (m == members->list.count)
            return false;
    }
    return true;
}

static bool is_object_of(const struct json *schema, const struct json *members, const struct json *value)
{
    if (!members || !members->list.count || value->type != JSON_OBJECT || !has_no_other_member(members, value))
        return false;
    for (size_t i = 0; i < members->list.count; i++) {
        const struct json *m = members->list.items[i], *v;
        const char *name = NULL, *type = NULL;

        json_member_string(m, "name", &name);
        json_member_string(m, "type", &type);
        v = json_member(value, name);
        if (v ? !is_of_type(schema, type, v) : !json_member(m, "default"))
            return false;
    }
    return true;
}

static bool is_array_of(const struct json *schema, const char *element, const struct json *value)
{
    for (size_t i = 0; value->type == JSON_ARRAY && i < value->list.count; i++) {
        if (!is_of_type(schema, element, value->list.items[i]))
            return false;
    }
    return value->type == JSON_ARRAY;
}

static bool is_one_of(const struct json *values, const struct json *value)
{
    for (size_t i = 0; value->type == JSON_STRING && i < values->list.count; i++) {
        if (!strcmp(values->list.items[i]->string.text, value->string.text))
            return true;
    }
    return false;
}

static bool is_of_type(const struct json *schema, const char *type, const struct json *value)
{
    const struct json *entry = entry_of(schema, type);
    const char *meta = "", *element = "";

    json_member_string(entry, "meta-type", &meta);
    json_member_string(entry, "element-type", &element);
    if (!strcmp(meta, "object"))
        return is_object_of(schema, json_member(entry, "members"), value);
    if (!strcmp(meta, "array"))
        return is_array_of(schema, element, value);
    if (!strcmp(meta, "enum"))
        return is_one_of(json_member(entry, "values"), value);
    if (!strcmp(meta, "alternate"))
        return value->type == JSON_INTEGER || value->type == JSON_NULL;
    return !strcmp(type, "int")   ? value->type == JSON_INTEGER
           : !strcmp(type, "str") ? value->type == JSON_STRING
                                  : !strcmp(type, "bool") && value->type == JSON_BOOL;
}

static bool answer_is_of_type(struct memd_client *c, const struct json *schema, const char *command,
                              struct json *arguments)
{
    const struct json *result;
    const char *returns;

    return json_member_string(entry_of(schema, command), "ret-type", &returns) &&
           !memd_call(c, command, arguments, &result) && is_of_type(schema, returns, result);
}

static int compare_with_schema(struct memd_client *c, struct gc *gc)
{
    struct json *domain = json_new_object(gc), *size = json_new_object(gc);
    struct memd_client *other;
    const struct json *schema;

    json_set_integer(gc, domain, "domain", 1);
    json_set_integer(gc, size, "size_memkb", 4 * MIB);
    /* By another connection, whose last answer stays. */
    if (memd_connect(env.ctx, &other) || memd_call(other, "query-qmp-schema", NULL, &schema))
        return 1;
    if (!answer_is_of_type(c, schema, CONTROL_RESERVE, size))
        return 2;
    if (!answer_is_of_type(c, schema, CONTROL_RESERVATIONS, NULL))
        return 3;
    if (!answer_is_of_type(c, schema, CONTROL_BALANCE, NULL))
        return 4;
    if (!answer_is_of_type(c, schema, CONTROL_WHY, domain))
        return 5;
    if (!answer_is_of_type(c, schema, CONTROL_PLAN, NULL))
        return 6;
    if (!answer_is_of_type(c, schema, CONTROL_METRICS, NULL))
        return 7;
    memd_disconnect(other);
    return 0;
}

static void what_the_socket_answers_is_what_its_schema_tells(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 500);
    run_for(300);
    assert_int_equal(ask(compare_with_schema), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_the_socket_answers_is_what_its_schema_tells, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
