"""The partner's side: an API that lists referrals page by page, and switches to make it misbehave."""
