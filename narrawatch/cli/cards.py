"""What the commands about cards share."""

from difflib import get_close_matches

from index_config.cluster import Cluster
from processing.cards import CardError, StoredCard, load_card, load_cards


def find_card(cluster: Cluster, identifier: str) -> StoredCard:
    """The card with that id.

    Raises:
        CardError: there is none; the message names ids that look like it.
    """
    try:
        return load_card(cluster, identifier)
    except CardError as error:
        ids = [card.narrative.id for card in load_cards(cluster)]
        near = (
            get_close_matches(identifier, ids, n=3) or [name for name in ids if identifier.lower() in name.lower()][:3]
        )
        if not near:
            raise
        raise CardError(f"there is no card {identifier!r}; did you mean {' or '.join(near)}?") from error
