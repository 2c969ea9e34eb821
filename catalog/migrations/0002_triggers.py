"""Prices are only added; every change of the catalog renews its revision."""

from django.db import migrations

WATCHED = (
    "catalog_provider",
    "catalog_modelprofile",
    "catalog_offering",
    "catalog_offeringprice",
    "catalog_workflowproduct",
)

APPEND_ONLY = """
CREATE FUNCTION catalog_price_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'catalog_offeringprice is append-only: % refused', TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER catalog_price_append_only
    BEFORE UPDATE OR DELETE ON catalog_offeringprice
    FOR EACH ROW EXECUTE FUNCTION catalog_price_append_only();
"""

APPEND_ONLY_REVERSE = """
DROP TRIGGER catalog_price_append_only ON catalog_offeringprice;
DROP FUNCTION catalog_price_append_only();
"""

REVISION = """
CREATE FUNCTION catalog_renew_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_catalogrevision (id, value) VALUES (1, gen_random_uuid())
    ON CONFLICT (id) DO UPDATE SET value = EXCLUDED.value;
    RETURN NULL;
END $$;
""" + "".join(
    f"""
CREATE TRIGGER {table}_revision AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_renew_revision();
"""
    for table in WATCHED
)

REVISION_REVERSE = "".join(
    f"DROP TRIGGER {table}_revision ON {table};\n" for table in WATCHED
) + "DROP FUNCTION catalog_renew_revision();"


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_REVERSE),
        migrations.RunSQL(REVISION, REVISION_REVERSE),
    ]
