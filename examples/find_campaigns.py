"""Scan a log and print each campaign with its reasons: events.parquet and accounts.parquet here."""

import stillwatch

result = stillwatch.scan("events.parquet", "accounts.parquet")
print(result)
for campaign in result.campaigns:
    print(f"\n{campaign.campaign_id}: {campaign.kind.value}, {campaign.size} accounts")
    for reason in campaign.reasons:
        print(f"  {reason}")
