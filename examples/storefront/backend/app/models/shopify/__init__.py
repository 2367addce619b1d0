"""All Shopify tables; REFINED lists the refined ones by object type, parents before their children."""

from app.models.integration import Integration
from app.models.shopify.after_order import (
    ShopifyDraftLineItem,
    ShopifyDraftOrder,
    ShopifyFulfillment,
    ShopifyFulfillmentLineItem,
    ShopifyRefund,
    ShopifyRefundLineItem,
    ShopifyTransaction,
)
from app.models.shopify.customer import ShopifyCustomer, ShopifyCustomerAddress, ShopifyGiftCard
from app.models.shopify.inventory import ShopifyInventoryItem, ShopifyInventoryLevel, ShopifyLocation
from app.models.shopify.operations import ShopifySyncRun, ShopifyWebhookDelivery
from app.models.shopify.order import (
    ShopifyLineItem,
    ShopifyLineItemTax,
    ShopifyOrder,
    ShopifyOrderAddress,
    ShopifyOrderDiscount,
    ShopifyOrderTaxLine,
    ShopifyShippingLine,
)
from app.models.shopify.payments import ShopifyBalanceTransaction, ShopifyDispute, ShopifyPayout
from app.models.shopify.product import ShopifyProduct, ShopifyProductImage, ShopifyProductOption, ShopifyVariant
from app.models.shopify.raw_ingest import ShopifyRawIngest
from app.models.shopify.refined import Refined

REFINED: dict[str, type[Refined]] = {
    model.object_type: model
    for model in (
        ShopifyLocation,
        ShopifyInventoryItem,
        ShopifyInventoryLevel,
        ShopifyCustomer,
        ShopifyCustomerAddress,
        ShopifyProduct,
        ShopifyProductOption,
        ShopifyProductImage,
        ShopifyVariant,
        ShopifyOrder,
        ShopifyLineItem,
        ShopifyLineItemTax,
        ShopifyShippingLine,
        ShopifyOrderDiscount,
        ShopifyOrderTaxLine,
        ShopifyOrderAddress,
        ShopifyRefund,
        ShopifyRefundLineItem,
        ShopifyTransaction,
        ShopifyFulfillment,
        ShopifyFulfillmentLineItem,
        ShopifyDraftOrder,
        ShopifyDraftLineItem,
        ShopifyPayout,
        ShopifyBalanceTransaction,
        ShopifyDispute,
        ShopifyGiftCard,
    )
}

__all__ = ["REFINED", "Integration", "Refined", "ShopifyRawIngest", "ShopifySyncRun", "ShopifyWebhookDelivery"]
