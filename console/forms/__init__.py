"""What people type; the forms check shape only, the services judge."""

from console.forms.account import AddressForm, OrgNameForm, RetentionForm
from console.forms.billing import BillingForm, LedgerForm, ReservationsForm
from console.forms.feedback import FeedbackForm
from console.forms.imports import ImportForm
from console.forms.keys import KeyForm, RotateForm
from console.forms.login import (
    CodeForm,
    CodeReauthenticateForm,
    LoginForm,
    ReauthenticateForm,
    SetUpCodeForm,
)
from console.forms.mapping import MappingForm, propose
from console.forms.members import AcceptForm, InvitationForm, JoinForm, RoleForm
from console.forms.new_batch import (
    ITEMS,
    PREVIEW,
    PROMPTS,
    TABLE,
    NewBatchForm,
)
from console.forms.passwords import (
    ChangePasswordForm,
    ResetForm,
    TokenPasswordForm,
)
from console.forms.pricing import CalculatorForm
from console.forms.receipts import RECEIPT_BYTES_MAX, ReceiptForm
from console.forms.sign_up import EmailForm, SignUpForm, TokenForm
from console.forms.webhooks import SecretForm, WebhookForm

__all__ = [
    "ITEMS",
    "PREVIEW",
    "PROMPTS",
    "RECEIPT_BYTES_MAX",
    "TABLE",
    "AcceptForm",
    "AddressForm",
    "BillingForm",
    "CalculatorForm",
    "ChangePasswordForm",
    "CodeForm",
    "CodeReauthenticateForm",
    "EmailForm",
    "FeedbackForm",
    "ImportForm",
    "InvitationForm",
    "JoinForm",
    "KeyForm",
    "LedgerForm",
    "LoginForm",
    "MappingForm",
    "NewBatchForm",
    "OrgNameForm",
    "ReauthenticateForm",
    "ReceiptForm",
    "ReservationsForm",
    "ResetForm",
    "RetentionForm",
    "RoleForm",
    "RotateForm",
    "SecretForm",
    "SetUpCodeForm",
    "SignUpForm",
    "TokenForm",
    "TokenPasswordForm",
    "WebhookForm",
    "propose",
]
